/* en.chat.js: what somebody who comes out of a chat is told, see chat.js. */
export default {
    again: 'This page could not tell who you are. Go back to the chat and tap the link or the menu once more.',
    snapshot: 'WeChat shows this page without your account. Tap “Use full service” at the bottom, or open the page from the chat yourself.',
    down: 'WeChat does not answer at the moment. Wait a minute, go back to the chat and tap once more. An ID that you already have stays good.',
    photo: 'Use WeChat’s camera',
    over: 'For your safety this page was closed. Go back to the chat and tap the menu once more.',
};
