/* multipart.c: the parser of multipart.h, one character class at a time. Pure;
 * any thread; owns nothing. */
#include "multipart.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum state {
    DATA,       /* of a part, or before the first delimiter */
    FIRST,      /* the same, where only the delimiter may come */
    AFTER,      /* behind a delimiter: CR LF or "--" */
    AFTER_CR,   /* … CR seen */
    AFTER_DASH, /* … '-' seen */
    HEAD,       /* lines of a part's head */
    CLOSED,     /* behind the last boundary: line breaks only */
    BROKEN,
};

void
sid_multipart_init(struct sid_multipart *multipart, const char *boundary,
                   const struct sid_multipart_calls *calls, void *ctx) {
    size_t len = strlen(boundary);
    SID_ASSERT(len > 0 && len < SID_BOUNDARY_SIZE);
    multipart->calls = calls;
    multipart->ctx = ctx;
    multipart->state = FIRST;
    (void)snprintf(multipart->delimiter, sizeof multipart->delimiter,
                   "\r\n--%s", boundary);
    multipart->delimiter_len = len + 4;
    /* The body may begin with the delimiter's dashes: as if CR LF came before.
     */
    multipart->matched = 2;
    multipart->head_len = 0;
}

/* "form-data; name=…"; other parameters (filename) are of no use here. */
static enum sid_err
read_disposition(const char *value, struct sid_part *part) {
    static const char type[] = "form-data";
    if (!sid_media_type_is(value, type))
        return SID_E_BAD_REQUEST;
    const char *at = strchr(value, ';');
    struct sid_header_param param;
    enum sid_err err = SID_OK;
    while (at != NULL && sid_header_param_next(&at, &param, &err)) {
        if (strcasecmp(param.name, "name") != 0)
            continue;
        size_t len = strlen(param.value);
        if (part->name[0] != '\0' || len == 0 || len >= sizeof part->name)
            return SID_E_BAD_REQUEST;
        memcpy(part->name, param.value, len + 1);
    }
    return err;
}

static enum sid_err
read_content_type(const char *value, struct sid_part *part) {
    size_t len = strcspn(value, "; \t");
    if (part->content_type[0] != '\0' || len == 0 ||
        len >= sizeof part->content_type)
        return SID_E_BAD_REQUEST;
    memcpy(part->content_type, value, len);
    part->content_type[len] = '\0';
    return SID_OK;
}

/* One line of a part's head, without its CR LF. */
static enum sid_err
read_line(const char *line, struct sid_part *part) {
    const char *colon = strchr(line, ':');
    if (colon == NULL || colon == line ||
        !sid_header_value_clean(line, strlen(line)))
        return SID_E_BAD_REQUEST;
    for (const char *c = line; c < colon; c++) {
        if (!sid_header_tchar(*c))
            return SID_E_BAD_REQUEST;
    }
    size_t name_len = (size_t)(colon - line);
    const char *value = sid_header_skip(colon + 1);
    if (name_len == strlen("Content-Disposition") &&
        strncasecmp(line, "Content-Disposition", name_len) == 0)
        return read_disposition(value, part);
    if (name_len == strlen("Content-Type") &&
        strncasecmp(line, "Content-Type", name_len) == 0)
        return read_content_type(value, part);
    /* RFC 7578 4.7 deprecates it; an encoded part must not pass for a photo. */
    if (name_len == strlen("Content-Transfer-Encoding") &&
        strncasecmp(line, "Content-Transfer-Encoding", name_len) == 0 &&
        strcasecmp(value, "binary") != 0 && strcasecmp(value, "8bit") != 0)
        return SID_E_BAD_REQUEST;
    return SID_OK;
}

/* The whole head, ended by an empty line. */
static enum sid_err
read_head(struct sid_multipart *multipart) {
    struct sid_part part = {.name = "", .content_type = ""};
    multipart->head[multipart->head_len - 2] = '\0';
    /* A NUL would hide what stands behind it. */
    if (strlen(multipart->head) != multipart->head_len - 2)
        return SID_E_BAD_REQUEST;
    for (char *line = multipart->head; *line != '\0';) {
        char *end = strstr(line, "\r\n");
        SID_ASSERT(end != NULL);
        *end = '\0';
        enum sid_err err = read_line(line, &part);
        if (err != SID_OK)
            return err;
        line = end + 2;
    }
    if (part.name[0] == '\0')
        return SID_E_BAD_REQUEST;
    multipart->head_len = 0;
    multipart->state = DATA;
    multipart->matched = 0;
    return multipart->calls->begin(multipart->ctx, &part);
}

/* Takes bytes of a head up to its end; *used tells how many. */
static enum sid_err
feed_head(struct sid_multipart *multipart, const uint8_t *ptr, size_t len,
          size_t *used) {
    for (*used = 0; *used < len;) {
        if (multipart->head_len == sizeof multipart->head)
            return SID_E_BAD_REQUEST;
        char *head = multipart->head;
        head[multipart->head_len++] = (char)ptr[(*used)++];
        size_t n = multipart->head_len;
        bool line = n >= 2 && head[n - 2] == '\r' && head[n - 1] == '\n';
        if (n == 2 && line)
            return SID_E_BAD_REQUEST; /* no head at all */
        if (n >= 4 && line && head[n - 4] == '\r' && head[n - 3] == '\n')
            return read_head(multipart);
    }
    return SID_OK;
}

static enum sid_err
emit(struct sid_multipart *multipart, const void *ptr, size_t len) {
    if (len == 0)
        return SID_OK;
    if (multipart->state == FIRST)
        return SID_E_BAD_REQUEST; /* a preamble */
    return multipart->calls->data(multipart->ctx, ptr, len);
}

/* Takes bytes of a part up to its end. The delimiter has its only CR at its
 * begin, so after a mismatch the match can only start anew at this byte. */
static enum sid_err
feed_data(struct sid_multipart *multipart, const uint8_t *ptr, size_t len,
          size_t *used) {
    size_t at = 0;
    while (at < len && multipart->matched < multipart->delimiter_len) {
        if (ptr[at] == (uint8_t)multipart->delimiter[multipart->matched]) {
            multipart->matched++;
            at++;
            continue;
        }
        enum sid_err err =
            emit(multipart, multipart->delimiter, multipart->matched);
        multipart->matched = 0;
        if (err == SID_OK && ptr[at] != '\r') {
            const uint8_t *cr = memchr(ptr + at, '\r', len - at);
            size_t run = cr == NULL ? len - at : (size_t)(cr - (ptr + at));
            err = emit(multipart, ptr + at, run);
            at += run;
        }
        if (err != SID_OK)
            return err;
    }
    *used = at;
    if (multipart->matched < multipart->delimiter_len)
        return SID_OK;
    bool first = multipart->state == FIRST;
    multipart->state = AFTER;
    return first ? SID_OK : multipart->calls->end(multipart->ctx);
}

/* One byte where only a fixed one or two are allowed. */
static enum sid_err
feed_byte(struct sid_multipart *multipart, uint8_t byte) {
    int next = BROKEN;
    int state = multipart->state;
    if (state == AFTER)
        next = byte == '\r' ? AFTER_CR : byte == '-' ? AFTER_DASH : BROKEN;
    else if (state == AFTER_CR)
        next = byte == '\n' ? HEAD : BROKEN;
    else if (state == AFTER_DASH)
        next = byte == '-' ? CLOSED : BROKEN;
    else if (state == CLOSED)
        next = byte == '\r' || byte == '\n' ? CLOSED : BROKEN;
    multipart->state = next;
    return next == BROKEN ? SID_E_BAD_REQUEST : SID_OK;
}

enum sid_err
sid_multipart_feed(struct sid_multipart *multipart, const uint8_t *ptr,
                   size_t len) {
    enum sid_err err = SID_OK;
    while (len > 0 && err == SID_OK) {
        size_t used = 1;
        int state = multipart->state;
        if (state == DATA || state == FIRST)
            err = feed_data(multipart, ptr, len, &used);
        else if (state == HEAD)
            err = feed_head(multipart, ptr, len, &used);
        else
            err = feed_byte(multipart, *ptr);
        if (err != SID_OK)
            break;
        ptr += used;
        len -= used;
    }
    if (err != SID_OK)
        multipart->state = BROKEN;
    return err;
}

enum sid_err
sid_multipart_finish(const struct sid_multipart *multipart) {
    return multipart->state == CLOSED ? SID_OK : SID_E_BAD_REQUEST;
}
