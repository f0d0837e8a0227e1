/* text_tame.c: takes away from a text what XML 1.0 forbids and what would
 * garble a screen. What people type must not make us refuse their message.
 * Pure; any thread; owns nothing. */
#include "text_tame.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "smartid/text.h"
#include "smartid/wechat_push.h"

/* Bytes of the code point at <at, left> that must go; 0: it may stay. */
static size_t
unwanted(const uint8_t *at, size_t left) {
    if ((at[0] < 0x20 && at[0] != '\n' && at[0] != '\t') || at[0] == 0x7f)
        return 1;
    if (left >= 2 && at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
        return 2; /* U+0080 .. U+009F */
    if (left >= 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] | 1) == 0xa9)
        return 3; /* U+2028, U+2029 */
    if (left >= 3 && at[0] == 0xef && at[1] == 0xbf && (at[2] | 1) == 0xbf)
        return 3; /* U+FFFE, U+FFFF */
    return 0;
}

enum sid_err
wechat_text_tame(char *text, size_t len) {
    if (len > 0 && memchr(text, '\0', len) != NULL)
        return SID_E_PUSH_FORMAT;
    for (size_t i = 0; i < len;) {
        size_t n = unwanted((const uint8_t *)text + i, len - i);
        if (n > 0)
            memset(text + i, ' ', n);
        i += n > 0 ? n : 1;
    }
    /* The rest is judged line by line: clean text has no newline. */
    for (size_t i = 0; i < len;) {
        size_t end = i;
        while (end < len && text[end] != '\n' && text[end] != '\t')
            end++;
        if (!sid_utf8_clean(text + i, end - i))
            return SID_E_PUSH_FORMAT;
        i = end + 1;
    }
    return SID_OK;
}

void
wechat_text_cut(struct sid_buf *text) {
    static const char ellipsis[] = "\xe2\x80\xa6";
    const size_t mark = sizeof ellipsis - 1;
    size_t len = SID_WECHAT_TEXT_SIZE - 1 - mark;
    if (text->len < SID_WECHAT_TEXT_SIZE)
        return;
    while (len > 0 && (text->ptr[len] & 0xc0) == 0x80)
        len--;
    memcpy(text->ptr + len, ellipsis, mark);
    sid_wipe(text->ptr + len + mark, text->len - len - mark);
    text->len = len + mark;
}
