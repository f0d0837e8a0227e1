/* head.js: which way a face is turned, from where its eyes, nose and mouth are.
 * Coarse, and only to choose the moment: what counts is measured by the server. */

/* Shares of the distance between the eyes. A head that is turned by some 20
 * degrees moves the nose by about this much. */
const SIDEWAYS = 0.22;
const UPRIGHT = 0.16;

const middle = (points) => ({
    x: points.reduce((sum, point) => sum + point.x, 0) / points.length,
    y: points.reduce((sum, point) => sum + point.y, 0) / points.length,
});

/* Where the tip of the face is between and below the eyes, or null when the
 * detector does not say. */
export function poseOf(face) {
    const eyes = face.landmarks.filter((mark) => mark.type === 'eye').map((mark) => middle(mark.locations));
    const tip = ['nose', 'mouth'].map((type) => face.landmarks.find((mark) => mark.type === type)).find(Boolean);
    if (eyes.length !== 2 || tip === undefined)
        return null;
    const between = middle(eyes);
    const apart = Math.hypot(eyes[0].x - eyes[1].x, eyes[0].y - eyes[1].y);
    const end = middle(tip.locations);
    return apart === 0 ? null : { x: (end.x - between.x) / apart, y: (end.y - between.y) / apart };
}

/* Whether the head has turned from `straight` to that side: the person's own, in
 * a picture that is not mirrored. */
export function hasTurned(pose, straight, side) {
    const x = pose.x - straight.x;
    const y = pose.y - straight.y;
    return { left: x > SIDEWAYS, right: x < -SIDEWAYS, up: y < -UPRIGHT, down: y > UPRIGHT }[side];
}

/* A detector of the browser, or null where it has none that works. */
export async function headWatch() {
    if (!('FaceDetector' in globalThis))
        return null;
    try {
        const detector = new globalThis.FaceDetector({ maxDetectedFaces: 1, fastMode: true });
        await detector.detect(document.createElement('canvas'));
        return async (video) => {
            const [face] = await detector.detect(video);
            return face === undefined ? null : poseOf(face);
        };
    } catch {
        return null;
    }
}
