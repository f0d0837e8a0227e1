/* qr_draw.js: a QR symbol of a short text as SVG: byte mode, level M, versions 1
 * to 12. For what a counter hands to a phone; codes of people come drawn from the
 * daemon. After ISO/IEC 18004. */

/* Per version, level M: error correction codewords of a block, and blocks. */
const EC_WORDS = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8];
const VERSION_MAX = 12;
const QUIET = 4;
const MASKS = [
    (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
    (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
    (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

function rawWords(version) {
    let bits = (16 * version + 128) * version + 64;
    if (version >= 2) {
        const marks = Math.floor(version / 7) + 2;
        bits -= (25 * marks - 10) * marks - 55;
        if (version >= 7)
            bits -= 36;
    }
    return Math.floor(bits / 8);
}

const dataWords = (version) => rawWords(version) - EC_WORDS[version] * BLOCKS[version];

function multiply(a, b) {
    let product = 0;
    for (let i = 7; i >= 0; i--) {
        product = (product << 1) ^ ((product >> 7) * 0x11d);
        product ^= ((b >> i) & 1) * a;
    }
    return product;
}

function divisor(degree) {
    const out = new Array(degree).fill(0);
    out[degree - 1] = 1;
    let root = 1;
    for (let i = 0; i < degree; i++) {
        for (let j = 0; j < degree; j++)
            out[j] = multiply(out[j], root) ^ (out[j + 1] ?? 0);
        root = multiply(root, 2);
    }
    return out;
}

function remainder(data, by) {
    const out = new Array(by.length).fill(0);
    for (const byte of data) {
        const factor = byte ^ out.shift();
        out.push(0);
        by.forEach((value, i) => {
            out[i] ^= multiply(value, factor);
        });
    }
    return out;
}

/* The bytes with their head, padded to what the version holds. */
function packed(bytes, version) {
    const bits = [];
    const put = (value, count) => {
        for (let i = count - 1; i >= 0; i--)
            bits.push((value >> i) & 1);
    };
    put(4, 4);
    put(bytes.length, version < 10 ? 8 : 16);
    bytes.forEach((byte) => put(byte, 8));
    const room = dataWords(version) * 8;
    put(0, Math.min(4, room - bits.length));
    put(0, (8 - (bits.length % 8)) % 8);
    for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11)
        put(pad, 8);
    const out = [];
    for (let i = 0; i < bits.length; i += 8)
        out.push(Number.parseInt(bits.slice(i, i + 8).join(''), 2));
    return out;
}

/* Blocks with their error correction, interleaved. */
function interleaved(data, version) {
    const count = BLOCKS[version];
    const short = Math.floor(rawWords(version) / count) - EC_WORDS[version];
    const longs = rawWords(version) % count;
    const by = divisor(EC_WORDS[version]);
    const blocks = [];
    let at = 0;
    for (let i = 0; i < count; i++) {
        const length = short + (i < count - longs ? 0 : 1);
        const part = data.slice(at, at + length);
        at += length;
        blocks.push({ part, check: remainder(part, by) });
    }
    const out = [];
    for (let i = 0; i <= short; i++)
        blocks.forEach(({ part }) => i < part.length && out.push(part[i]));
    for (let i = 0; i < EC_WORDS[version]; i++)
        blocks.forEach(({ check }) => out.push(check[i]));
    return out;
}

class Matrix {
    constructor(version) {
        this.version = version;
        this.size = version * 4 + 17;
        this.dark = Array.from({ length: this.size }, () => new Array(this.size).fill(0));
        this.fixed = Array.from({ length: this.size }, () => new Array(this.size).fill(false));
    }

    set(x, y, dark) {
        if (x < 0 || y < 0 || x >= this.size || y >= this.size)
            return;
        this.dark[y][x] = dark ? 1 : 0;
        this.fixed[y][x] = true;
    }

    ring(cx, cy, reach, light) {
        for (let y = -reach; y <= reach; y++)
            for (let x = -reach; x <= reach; x++)
                this.set(cx + x, cy + y, !light.includes(Math.max(Math.abs(x), Math.abs(y))));
    }

    marks() {
        if (this.version === 1)
            return [];
        const count = Math.floor(this.version / 7) + 2;
        const step = Math.ceil((this.version * 4 + 4) / (count * 2 - 2)) * 2;
        const out = [6];
        for (let at = this.size - 7; out.length < count; at -= step)
            out.splice(1, 0, at);
        return out;
    }

    patterns() {
        const { size } = this;
        for (let i = 0; i < size; i++) {
            this.set(6, i, i % 2 === 0);
            this.set(i, 6, i % 2 === 0);
        }
        const marks = this.marks();
        const last = marks.length - 1;
        marks.forEach((y, j) => marks.forEach((x, i) => {
            if (!(i === 0 && j === 0) && !(i === 0 && j === last) && !(i === last && j === 0))
                this.ring(x, y, 2, [1]);
        }));
        for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]])
            this.ring(x, y, 4, [2, 4]);
        this.format(0);
        if (this.version >= 7)
            this.number();
    }

    format(mask) {
        const data = mask; /* level M is 00 */
        let rest = data;
        for (let i = 0; i < 10; i++)
            rest = (rest << 1) ^ ((rest >> 9) * 0x537);
        const bits = ((data << 10) | rest) ^ 0x5412;
        const bit = (i) => (bits >> i) & 1;
        for (let i = 0; i < 6; i++)
            this.set(8, i, bit(i));
        this.set(8, 7, bit(6));
        this.set(8, 8, bit(7));
        this.set(7, 8, bit(8));
        for (let i = 9; i < 15; i++)
            this.set(14 - i, 8, bit(i));
        for (let i = 0; i < 8; i++)
            this.set(this.size - 1 - i, 8, bit(i));
        for (let i = 8; i < 15; i++)
            this.set(8, this.size - 15 + i, bit(i));
        this.set(8, this.size - 8, 1);
    }

    number() {
        let rest = this.version;
        for (let i = 0; i < 12; i++)
            rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
        const bits = (this.version << 12) | rest;
        for (let i = 0; i < 18; i++) {
            const a = this.size - 11 + (i % 3);
            const b = Math.floor(i / 3);
            this.set(a, b, (bits >> i) & 1);
            this.set(b, a, (bits >> i) & 1);
        }
    }

    fill(words) {
        let i = 0;
        for (let right = this.size - 1; right >= 1; right -= 2) {
            if (right === 6)
                right = 5;
            for (let step = 0; step < this.size; step++) {
                const upwards = ((right + 1) & 2) === 0;
                const y = upwards ? this.size - 1 - step : step;
                for (const x of [right, right - 1]) {
                    if (this.fixed[y][x] || i >= words.length * 8)
                        continue;
                    this.dark[y][x] = (words[i >> 3] >> (7 - (i & 7))) & 1;
                    i++;
                }
            }
        }
    }

    mask(number) {
        for (let y = 0; y < this.size; y++)
            for (let x = 0; x < this.size; x++)
                if (!this.fixed[y][x] && MASKS[number](x, y) === 0)
                    this.dark[y][x] ^= 1;
    }

    /* Long runs and uneven shares read badly; the mask with least of both. */
    penalty() {
        let out = 0;
        const line = (at) => {
            let run = 0;
            for (let i = 0; i < this.size; i++) {
                run = i > 0 && at(i) === at(i - 1) ? run + 1 : 1;
                if (run >= 5)
                    out += run === 5 ? 3 : 1;
            }
        };
        for (let k = 0; k < this.size; k++) {
            line((i) => this.dark[k][i]);
            line((i) => this.dark[i][k]);
        }
        const darks = this.dark.flat().reduce((sum, value) => sum + value, 0);
        return out + Math.floor(Math.abs((darks * 20) / this.size ** 2 - 10)) * 10;
    }
}

/* The modules as rows of 0 and 1; null when the text is too long. */
export function qrModules(text) {
    const bytes = [...new TextEncoder().encode(text)];
    let version = 1;
    while (version <= VERSION_MAX && bytes.length + (version < 10 ? 2 : 3) > dataWords(version))
        version++;
    if (version > VERSION_MAX)
        return null;
    const matrix = new Matrix(version);
    matrix.patterns();
    matrix.fill(interleaved(packed(bytes, version), version));
    let best = { mask: 0, penalty: Infinity };
    for (let mask = 0; mask < MASKS.length; mask++) {
        matrix.mask(mask);
        matrix.format(mask);
        const penalty = matrix.penalty();
        if (penalty < best.penalty)
            best = { mask, penalty };
        matrix.mask(mask);
    }
    matrix.mask(best.mask);
    matrix.format(best.mask);
    return matrix.dark;
}

export function qrSvg(text) {
    const rows = qrModules(text);
    const size = rows.length + 2 * QUIET;
    const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + QUIET} ${y + QUIET}h1v1h-1z` : ''))).join('');
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">` +
        `<rect width="${size}" height="${size}" fill="#fff"/><path d="${path}"/></svg>`;
}
