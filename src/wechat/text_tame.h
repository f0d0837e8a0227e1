/* text_tame.h: the texts of a chat, in and out, without what cannot stand in
 * XML or on one's screen. Pure; any thread. */
#ifndef SID_WECHAT_TEXT_TAME_H
#define SID_WECHAT_TEXT_TAME_H

#include <stddef.h>

#include "smartid/buf.h"
#include "smartid/err.h"

/* Makes each byte of a control character (but newline and tab), of a line or
 * paragraph separator, and of the two code points that XML forbids, a space.
 * Errors: SID_E_PUSH_FORMAT (not UTF-8, or NUL in it; text is then spoiled). */
SID_FALLIBLE enum sid_err wechat_text_tame(char *text, size_t len);

/* Ends a text that is longer than a message may be (SID_WECHAT_TEXT_SIZE)
 * behind its last whole character that fits, with an ellipsis. */
void wechat_text_cut(struct sid_buf *text);

#endif
