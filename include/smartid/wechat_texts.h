/* wechat_texts.h: every text that the chat says, from one table (zh-CN), with
 * the bureau's own wording read over it from a file.
 *
 * The file has one `key = text` a line; `\n` in a text is a new line, `\\` a
 * backslash; lines that begin with # are comments. What is in braces is filled
 * in: a text may use the names its row lists and must use those with a `!`.
 * Loaded on the main thread; then read-only: any thread. */
#ifndef SMARTID_WECHAT_TEXTS_H
#define SMARTID_WECHAT_TEXTS_H

#include <stdio.h>

#include "smartid/buf.h"
#include "smartid/err.h"
#include "smartid/inifile.h"

/* X(symbol, key, names that may (must!) be filled in, default) */
#define SID_WECHAT_TEXT_MAP(X)                                                                           \
    /* follow, menu, help */                                                                             \
    X(SID_WT_WELCOME, "welcome", "",                                                                     \
      "欢迎关注！在这里可以申领电子居民证，随时向工作人员出示二维码。\n"  \
      "回复“办理”开始申领，回复“帮助”查看全部功能。")                                                    \
    X(SID_WT_HOW, "how_it_works", "",                                                                    \
      "办理只需三步：\n1. 填写姓名和身份证号\n2. 拍摄身份证人像面\n"             \
      "3. 拍一张自拍照\n"                                                                          \
      "两张照片比对一致即可领取二维码。二维码每24小时自动更换，"              \
      "照片在比对后立即删除。取消关注只会解除绑定；"                               \
      "要删除资料，请在取消关注之前回复“删除”。")                                                        \
    X(SID_WT_HELP, "help", "",                                                                           \
      "您可以回复：\n办理：申领电子居民证\n我的码：出示二维码\n"                \
      "挂失：手机丢失时停用二维码\n谁查过我：查看查询记录\n"                     \
      "删除：删除我的资料\n取消：放弃正在进行的办理")                                                    \
    X(SID_WT_NOT_UNDERSTOOD, "not_understood", "",                                                       \
      "没有看懂您的意思。回复“帮助”查看全部功能。")                                                      \
    X(SID_WT_UNSUPPORTED, "unsupported_message", "",                                                     \
      "这里只能处理文字和照片，请发送文字或照片。")                                                      \
    X(SID_WT_TOO_LONG, "text_too_long", "", "内容太长了，请缩短后重新发送。")                            \
    X(SID_WT_UNAVAILABLE, "service_unavailable", "",                                                     \
      "服务暂时不可用，请稍后再试。您已提交的内容不会丢失。")                                            \
    /* apply */                                                                                          \
    X(SID_WT_APPLY_LINK, "apply_link", "url!",                                                           \
      "请点击链接开始办理：\n{url}\n"                                                          \
      "也可以回复“聊天办理”，直接在对话中完成。")                                                        \
    X(SID_WT_CONSENT, "consent_ask", "",                                                                 \
      "办理需要处理您的姓名、身份证号和人脸照片，只用于核验身份，"          \
      "照片在比对后立即删除，您随时可以删除资料。"                                  \
      "同意请回复“同意”，不同意请回复“取消”。")                                                          \
    X(SID_WT_NAME, "name_ask", "", "请回复您的姓名，须与身份证一致。")                                   \
    X(SID_WT_NAME_INVALID, "name_invalid", "",                                                           \
      "这不像是姓名。请只回复身份证上的姓名。")                                                          \
    X(SID_WT_NUMBER, "number_ask", "", "请回复您的18位身份证号码。")                                     \
    X(SID_WT_NUMBER_INVALID, "number_invalid", "",                                                       \
      "身份证号码不正确，请逐位核对后重新发送。")                                                        \
    X(SID_WT_CARD, "card_ask", "",                                                                       \
      "请拍摄身份证人像面并发送：证件占满画面，光线充足，不反光。")                                      \
    X(SID_WT_SELFIE, "selfie_ask", "",                                                                   \
      "收到。请再发送一张现在拍的自拍照：正对镜头，不戴帽子、墨镜和口罩。")                              \
    X(SID_WT_CHAT_OFF, "chat_apply_off", "",                                                             \
      "现在不能在对话中办理，请在办事应用或办事窗口办理。")                                              \
    X(SID_WT_PHOTO_AGAIN, "photo_fetch_failed", "",                                                      \
      "照片没有收到，请重新发送。")                                                                      \
    X(SID_WT_PHOTO_EARLY, "photo_unexpected", "",                                                        \
      "还没有进行到发送照片这一步。回复“办理”开始，回复“帮助”查看说明。")                                \
    X(SID_WT_CHECKING, "checking", "", "已收到，正在核验，结果稍后发送给您。")                           \
    X(SID_WT_BUSY, "busy", "",                                                                           \
      "现在办理的人较多，正在排队，结果稍后发送给您。")                                                  \
    X(SID_WT_RUNNING, "already_running", "",                                                             \
      "您的申请正在核验，结果出来后会发送给您。")                                                        \
    X(SID_WT_ENROLLED, "already_enrolled", "",                                                           \
      "您已有电子居民证。回复“我的码”出示二维码。")                                                      \
    X(SID_WT_TOO_OFTEN, "too_many_attempts", "",                                                         \
      "今天的次数已用完。请明天再试，或携带身份证到办事窗口办理。")                                      \
    X(SID_WT_EXPIRED, "session_expired", "",                                                             \
      "时间太久，已放弃这次办理。回复“办理”重新开始。")                                                  \
    X(SID_WT_CANCELLED, "cancelled", "", "已取消，填写的内容和照片都已删除。")                           \
    X(SID_WT_SNAPSHOT, "oauth_snapshot", "",                                                             \
      "请点击页面右下角“使用完整服务”，再继续办理。")                                                    \
    /* result */                                                                                         \
    X(SID_WT_APPROVED, "approved", "",                                                                   \
      "核验通过，您的电子居民证已生效。"                                                 \
      "随时回复“我的码”出示二维码。")                                                                    \
    X(SID_WT_REVIEW, "review", "",                                                                       \
      "照片需要工作人员核对，一般一个工作日内有结果，届时通知您。")                                      \
    X(SID_WT_REJECTED, "rejected", "reasons!",                                                           \
      "没有通过：\n{reasons}\n改好后回复“办理”可以再试。")                                               \
    X(SID_WT_REJECTED_FINAL, "rejected_final", "reasons!",                                               \
      "没有通过：\n{reasons}\n如有疑问，请携带身份证到办事窗口。")                                       \
    X(SID_WT_FAILED, "failed", "",                                                                       \
      "核验没有完成，原因在我们这边。请回复“办理”再试一次。")                                            \
    X(SID_WT_PHOTO_ID, "photo_of_card", "", "身份证照片")                                                \
    X(SID_WT_PHOTO_SELFIE, "photo_of_person", "", "自拍照")                                              \
    X(SID_WT_PHOTO_ANY, "photo_of_either", "", "照片")                                                   \
    /* reasons: "reason_" and the code of enrolment.h */                                                 \
    X(SID_WT_R_UNREADABLE, "reason_image_unreadable", "photo",                                           \
      "{photo}无法读取，请重新拍摄并发送。")                                                             \
    X(SID_WT_R_TOO_LARGE, "reason_image_too_large", "photo",                                             \
      "{photo}太大，请降低分辨率后重新拍摄。")                                                           \
    X(SID_WT_R_TOO_SMALL, "reason_image_too_small", "photo",                                             \
      "{photo}太小，请发送原图。")                                                                       \
    X(SID_WT_R_NO_FACE, "reason_no_face", "photo",                                                       \
      "{photo}中没有找到人脸，请正对镜头、露出整张脸重新拍摄。")                                         \
    X(SID_WT_R_MANY_FACES, "reason_many_faces", "photo",                                                 \
      "{photo}中有多张人脸，请确保画面中只有一个人。")                                                   \
    X(SID_WT_R_FACE_TOO_SMALL, "reason_face_too_small", "photo",                                         \
      "{photo}中的人脸太小，请靠近些重新拍摄。")                                                         \
    X(SID_WT_R_TURNED, "reason_face_turned_away", "photo",                                               \
      "{photo}中的人脸偏转太多，请正对镜头重新拍摄。")                                                   \
    X(SID_WT_R_BLURRED, "reason_too_blurred", "photo",                                                   \
      "{photo}模糊，请拿稳手机，在光线好的地方重新拍摄。")                                               \
    X(SID_WT_R_DARK, "reason_too_dark", "photo",                                                         \
      "{photo}太暗，请在明亮处或开灯后重新拍摄。")                                                       \
    X(SID_WT_R_BRIGHT, "reason_too_bright", "photo",                                                     \
      "{photo}太亮，请避开阳光和灯光，关闭闪光灯重新拍摄。")                                             \
    X(SID_WT_R_COPY, "reason_selfie_is_id_photo", "",                                                    \
      "自拍照是证件照的翻拍，请现在重新自拍一张。")                                                      \
    X(SID_WT_R_NOT_LIVE, "reason_selfie_not_live", "",                                                   \
      "自拍照需要工作人员核对。")                                                                        \
    X(SID_WT_R_DIFFER, "reason_faces_differ", "",                                                        \
      "自拍照与证件照不一致。请在光线好的地方、摘下眼镜和帽子重新自拍，" \
      "或携带身份证到办事窗口。")                                                                        \
    X(SID_WT_R_UNCLEAR, "reason_faces_unclear", "",                                                      \
      "比对结果不够明确，工作人员会核对，您无需操作。")                                                  \
    X(SID_WT_R_NOT_TURNED, "reason_not_turned", "photo",                                                 \
      "{photo}没有按要求转头，请重新拍摄。")                                                             \
    X(SID_WT_R_TOO_FAR, "reason_turned_too_far", "photo",                                                \
      "{photo}转头太多，请少转一些重新拍摄。")                                                           \
    X(SID_WT_R_SAME_FILE, "reason_same_file", "",                                                        \
      "两张照片是同一张，请分别拍摄身份证和自拍。")                                                      \
    X(SID_WT_R_CHALLENGE, "reason_challenge_failed", "",                                                 \
      "转头动作没有通过，请重新拍摄。")                                                                  \
    X(SID_WT_R_NO_CHALLENGE, "reason_challenge_missing", "",                                             \
      "需要工作人员核对，您无需操作。")                                                                  \
    X(SID_WT_R_APPEAL, "reason_appeal", "",                                                              \
      "您的申诉由另一位工作人员核对，您无需操作。")                                                      \
    X(SID_WT_R_KNOWN, "reason_selfie_known", "",                                                         \
      "需要工作人员核对，您无需操作。")                                                                  \
    X(SID_WT_R_NOT_RECOGNISED, "reason_not_recognised", "",                                              \
      "没有认出是您本人，请在光线好的地方重新自拍。")                                                    \
    X(SID_WT_R_UNDER_REVIEW, "reason_under_review", "",                                                  \
      "工作人员会核对，您无需操作。")                                                                    \
    X(SID_WT_R_CARD_EXPIRED, "reason_card_expired", "",                                                  \
      "身份证已过有效期，请用新证办理。")                                                                \
    X(SID_WT_R_NUMBER, "reason_id_number_invalid", "",                                                   \
      "身份证号码不正确，请逐位核对。")                                                                  \
    X(SID_WT_R_IN_USE, "reason_id_number_in_use", "",                                                    \
      "这个身份证号码已经办理过。如果是您本人但无法使用，"                      \
      "请携带身份证到办事窗口。")                                                                        \
    X(SID_WT_R_OFFICER, "reason_officer_decision", "",                                                   \
      "工作人员核对后没有通过。")                                                                        \
    X(SID_WT_R_GAVE_UP, "reason_processing_failed", "",                                                  \
      "照片没有处理成功，请重新发送，或携带身份证到办事窗口。")                                          \
    X(SID_WT_R_OTHER, "reason_other", "",                                                                \
      "不符合要求，请携带身份证到办事窗口咨询。")                                                        \
    /* my code, lost phone, who asked, deletion */                                                       \
    X(SID_WT_CODE_LINK, "code_link", "url!", "点击打开您的二维码：\n{url}")                              \
    X(SID_WT_CODE_COMING, "code_coming", "",                                                             \
      "正在生成您的二维码，马上以图片发给您。")                                                          \
    X(SID_WT_CODE_UNTIL, "code_image", "until!",                                                         \
      "您的二维码有效期至{until}，请勿转发给他人。"                                    \
      "过期后，或没有收到图片时，请再回复“我的码”。")                                                    \
    X(SID_WT_CODE_NONE, "code_none", "",                                                                 \
      "您还没有电子居民证。回复“办理”开始申领。")                                                        \
    X(SID_WT_CODE_STOPPED, "code_suspended", "",                                                         \
      "您的电子居民证已停用。回复“恢复”重新启用。")                                                      \
    X(SID_WT_CODE_REVOKED, "code_revoked", "",                                                           \
      "您的电子居民证已注销。回复“办理”可以重新申领。")                                                  \
    X(SID_WT_LOST, "lost_confirm", "",                                                                   \
      "挂失后，原手机上的二维码立即失效。确认请回复“确认挂失”。")                                        \
    X(SID_WT_LOST_DONE, "lost_done", "",                                                                 \
      "已挂失，原来的二维码从现在起无法通过核验。"                                  \
      "找到手机后回复“恢复”重新启用。")                                                                  \
    X(SID_WT_RESUMED, "resumed", "", "已恢复，您的二维码可以继续使用。")                                 \
    X(SID_WT_RESUME_NOT, "resume_refused", "",                                                           \
      "不能在这里恢复，请携带身份证到办事窗口。")                                                        \
    X(SID_WT_ASKED, "asked_head", "count", "最近查询过您身份的记录：")                                   \
    X(SID_WT_ASKED_LINE, "asked_line", "time! party! purpose!",                                          \
      "{time} {party}（{purpose}）")                                                                     \
    X(SID_WT_ASKED_NONE, "asked_none", "", "还没有人查询过您的身份。")                                   \
    X(SID_WT_ASKED_MORE, "asked_more", "url!",                                                           \
      "查看全部记录，或对某次查询提出异议：{url}")                                                       \
    X(SID_WT_DELETE, "delete_how", "",                                                                   \
      "删除后，您的资料和二维码无法恢复。确认请回复“确认删除”。"          \
      "取消关注只会解除绑定，不会删除资料。")                                                            \
    X(SID_WT_DELETED, "deleted", "", "您的资料已删除。")                                                 \
    X(SID_WT_DELETE_NONE, "delete_none", "", "这里没有您的资料。")                                       \
    /* told unasked */                                                                                   \
    X(SID_WT_CHECKED, "checked_notice", "time! party! purpose!",                                         \
      "{time}，{party}因“{purpose}”查询了您的身份。"                                       \
      "如有疑问请回复“谁查过我”。")                                                                      \
    X(SID_WT_RECOVERED, "recovered_notice", "",                                                          \
      "您的电子居民证已转到另一部手机，此对话不再与它相连。"                   \
      "如非本人操作，请立即携带身份证到办事窗口停用并重新领取。")                                        \
    X(SID_WT_EXPIRING, "expiring_notice", "date!",                                                       \
      "您的电子居民证将于{date}到期，请及时更新。")                                                      \
    /* clerks */                                                                                         \
    X(SID_WT_CLERK_NOT, "clerk_not_bound", "",                                                           \
      "此微信号没有绑定工作人员，不能查询。")                                                            \
    X(SID_WT_CLERK_BOUND, "clerk_bound", "name!",                                                        \
      "已绑定到“{name}”。点击菜单“扫码核验”开始。")                                                      \
    X(SID_WT_CLERK_PURPOSE, "clerk_purpose_ask", "purposes!",                                            \
      "请回复本次查询的用途编号：\n{purposes}")                                                          \
    X(SID_WT_CLERK_CHOSEN, "clerk_purpose_chosen", "purpose!",                                           \
      "用途：{purpose}。请重新扫码。回复“用途”可以更改。")                                               \
    X(SID_WT_CLERK_NOTHING, "clerk_no_purpose", "",                                                      \
      "您的密钥没有可以在这里使用的用途。")                                                              \
    X(SID_WT_CLERK_VALID, "clerk_valid", "holder!", "✅ 有效\n{holder}")                                  \
    X(SID_WT_CLERK_EXPIRED, "clerk_expired", "",                                                         \
      "❌ 二维码已过期，请对方刷新后重新出示。")                                                          \
    X(SID_WT_CLERK_BAD, "clerk_not_valid", "", "❌ 无效")                                                 \
    X(SID_WT_CLERK_UNKNOWN, "clerk_could_not_check", "",                                                 \
      "⚠️ 暂时无法核验，这不代表无效。请稍后重试。")

enum sid_wechat_text {
#define SID_WECHAT_TEXT_ENUM(sym, key, names, text) sym,
    SID_WECHAT_TEXT_MAP(SID_WECHAT_TEXT_ENUM)
#undef SID_WECHAT_TEXT_ENUM
        SID_WECHAT_TEXT_COUNT
};

struct sid_wechat_texts;

/* The defaults, and over them the file at `path` ("" : none). Errors: SID_E_IO,
 * SID_E_CONFIG (an unknown key, one given twice, a text that is empty, over
 * 1,500 bytes or not clean, a name in braces that its row does not list or
 * that is missing), SID_E_NO_MEMORY; problem says where and what would be
 * accepted. */
SID_FALLIBLE enum sid_err
sid_wechat_texts_load(const char *path, struct sid_wechat_texts **out,
                      struct sid_config_problem *problem);
void sid_wechat_texts_free(struct sid_wechat_texts **texts);

/* A value for a name in braces; borrowed. */
struct sid_wechat_fill {
    const char *name;
    const char *value;
};
/* Appends a text with its names filled in from `fill` (ended by a NULL name;
 * may be NULL); a name without a value is left out. Errors: SID_E_NO_MEMORY. */
SID_FALLIBLE enum sid_err
sid_wechat_texts_say(const struct sid_wechat_texts *texts,
                     enum sid_wechat_text text,
                     const struct sid_wechat_fill *fill, struct sid_buf *out);

/* The text of a rejection reason by its code, such as "no_face";
 * SID_WT_R_OTHER when there is none of that name. */
enum sid_wechat_text sid_wechat_texts_reason(const char *code);

/* Writes a file with every text, as the bureau may edit it. */
void sid_wechat_texts_print(FILE *to);

#endif
