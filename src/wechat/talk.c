/* talk.c: what people ask for, by typing or by the menu. Pure; any thread. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "service.h"
#include "smartid/text.h"

static const struct {
    const char *text;
    enum wechat_command command;
} words[] = {
    {"办理", COMMAND_APPLY},          {"apply", COMMAND_APPLY},
    {"聊天办理", COMMAND_APPLY_CHAT}, {"chat apply", COMMAND_APPLY_CHAT},
    {"我的码", COMMAND_CODE},         {"my code", COMMAND_CODE},
    {"挂失", COMMAND_LOST},           {"lost phone", COMMAND_LOST},
    {"确认挂失", COMMAND_LOST_SURE},  {"恢复", COMMAND_RESUME},
    {"resume", COMMAND_RESUME},       {"谁查过我", COMMAND_ASKED},
    {"who asked", COMMAND_ASKED},     {"删除", COMMAND_DELETE},
    {"delete", COMMAND_DELETE},       {"确认删除", COMMAND_DELETE_SURE},
    {"用途", COMMAND_PURPOSE},        {"purpose", COMMAND_PURPOSE},
    {"进度", COMMAND_PROGRESS},       {"progress", COMMAND_PROGRESS},
    {"帮助", COMMAND_HELP},           {"help", COMMAND_HELP},
    {"取消", COMMAND_CANCEL},         {"cancel", COMMAND_CANCEL},
    {"同意", COMMAND_AGREE},          {"agree", COMMAND_AGREE},
};

static const struct {
    const char *key;
    enum wechat_command command;
} menu[] = {
    {"APPLY", COMMAND_APPLY}, {"CODE", COMMAND_CODE}, {"LOST", COMMAND_LOST},
    {"ASKED", COMMAND_ASKED}, {"HELP", COMMAND_HELP},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Without blanks around it, those of Chinese text too. */
static struct sid_span
trimmed(const char *text) {
    static const char wide[] = "\xe3\x80\x80"; /* U+3000 */
    size_t len = strlen(text);
    for (;;) {
        if (len > 0 && strchr(" \t\r\n", text[0]) != NULL) {
            text++;
            len--;
        } else if (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
            len--;
        } else if (len >= 3 && memcmp(text, wide, 3) == 0) {
            text += 3;
            len -= 3;
        } else if (len >= 3 && memcmp(text + len - 3, wide, 3) == 0) {
            len -= 3;
        } else {
            return sid_span_of(text, len);
        }
    }
}

enum wechat_command
wechat_command_of(const char *text) {
    struct sid_span said = trimmed(text);
    for (size_t i = 0; i < COUNT(words); i++) {
        if (said.len == strlen(words[i].text) &&
            strncasecmp((const char *)said.ptr, words[i].text, said.len) == 0)
            return words[i].command;
    }
    return COMMAND_NONE;
}

enum wechat_command
wechat_menu_of(const char *key) {
    for (size_t i = 0; i < COUNT(menu); i++) {
        if (strcmp(menu[i].key, key) == 0)
            return menu[i].command;
    }
    return COMMAND_NONE;
}

bool
wechat_name_fits(const char *text, char out[SID_NAME_SIZE]) {
    struct sid_span name = trimmed(text);
    char copy[SID_NAME_SIZE] = "";
    if (name.len < 2 || name.len >= SID_NAME_SIZE)
        return false;
    memcpy(copy, name.ptr, name.len);
    bool good =
        strpbrk(copy, "0123456789\n\t<>{}[]@#$%^*=+_|\\/?!,;:\"") == NULL &&
        sid_utf8_clean(copy, name.len);
    if (good)
        memcpy(out, copy, sizeof copy);
    sid_wipe(copy, sizeof copy);
    return good;
}

void
wechat_time_text(int64_t at_s, char out[WECHAT_TIME_SIZE]) {
    time_t local = (time_t)(at_s + (int64_t)8 * 3600); /* China's one zone */
    struct tm tm;
    if (gmtime_r(&local, &tm) == NULL)
        memset(&tm, 0, sizeof tm);
    (void)snprintf(out, WECHAT_TIME_SIZE, "%d月%d日%02d:%02d", tm.tm_mon + 1,
                   tm.tm_mday, tm.tm_hour, tm.tm_min);
}
