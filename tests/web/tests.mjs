// tests.mjs: tests as sentences, one after the other, and their totals.

let passed = 0;
let failed = 0;

export async function test(sentence, work) {
    const began = performance.now();
    try {
        await work();
        passed += 1;
        console.log(`ok      ${sentence} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
        failed += 1;
        console.log(`FAILED  ${sentence}\n${error.stack}`);
    }
}

export function totals() {
    console.log(`${passed} passed, ${failed} failed`);
    process.exitCode = failed === 0 ? 0 : 1;
}
