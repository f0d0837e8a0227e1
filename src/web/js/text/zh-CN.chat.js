/* zh-CN.chat.js: what somebody who comes out of a chat is told, see chat.js. */
export default {
    again: '无法确认您的身份。请回到公众号对话，再点一次菜单或链接。',
    snapshot: '当前为微信“快照页”，没有您的账号信息。请点击页面底部的“使用完整服务”，或从公众号对话中重新打开。',
    down: '微信暂时没有响应。请稍等一分钟，回到公众号对话再点一次。已有的身份不受影响。',
    photo: '用微信拍照或选图',
    over: '为了您的安全，此页面已关闭。请回到公众号对话，再点一次菜单。',
};
