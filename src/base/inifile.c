/* inifile.c: INI files line by line (see inifile.h). Main thread; owns nothing
 * afterwards. */
#include "smartid/inifile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum sid_err
sid_ini_refuse(struct sid_ini *ini, const char *fmt, ...) {
    if (ini->err != SID_OK)
        return ini->err;
    char *text = ini->problem->text;
    size_t size = sizeof ini->problem->text;
    int n = snprintf(text, size, "%s:%d: ", ini->path, ini->line);
    va_list args;
    va_start(args, fmt);
    if (n > 0 && (size_t)n < size)
        (void)vsnprintf(text + n, size - (size_t)n, fmt, args);
    va_end(args);
    ini->err = SID_E_CONFIG;
    return ini->err;
}

static enum sid_err
io_failed(struct sid_ini *ini, const char *what) {
    (void)snprintf(ini->problem->text, sizeof ini->problem->text,
                   "%s: cannot be %s: %s", ini->path, what, strerror(errno));
    return SID_E_IO;
}

enum sid_err
sid_ini_read(struct sid_ini *ini, struct sid_buf *out) {
    int fd = open(ini->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return io_failed(ini, "opened");
    ssize_t n = 0;
    enum sid_err err = sid_buf_reserve(out, SID_INI_FILE_MAX_BYTES + 1);
    if (err != SID_OK)
        (void)snprintf(ini->problem->text, sizeof ini->problem->text, "%s: %s",
                       ini->path, sid_err_text(err));
    while (err == SID_OK && out->len <= SID_INI_FILE_MAX_BYTES) {
        n = read(fd, out->ptr + out->len,
                 SID_INI_FILE_MAX_BYTES + 1 - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        out->len += (size_t)n;
    }
    if (err == SID_OK && n < 0)
        err = io_failed(ini, "read");
    close(fd);
    ini->line = 1;
    if (err == SID_OK && out->len > SID_INI_FILE_MAX_BYTES)
        err = sid_ini_refuse(ini,
                             "the file is too large; accepted: up to %zu bytes",
                             SID_INI_FILE_MAX_BYTES);
    return err;
}

/* inih does not tell of sections without a key, and cuts long names. */
static void
tell_section(struct sid_ini *ini, const char *line) {
    while (isspace((unsigned char)*line))
        line++;
    if (*line != '[')
        return;
    char name[SID_INI_LINE_MAX_BYTES];
    size_t len = strcspn(++line, "]\n");
    if (line[len] != ']')
        return; /* inih refuses it */
    memcpy(name, line, len);
    name[len] = '\0';
    enum sid_err err = ini->section(ini, name);
    if (ini->err == SID_OK)
        ini->err = err;
}

/* inih's fgets: gives one line and counts it (Debian's inih tells no line
 * numbers to its handler). */
static char *
next_line(char *out, int size, void *stream) {
    struct sid_ini *ini = stream;
    if (ini->err != SID_OK || ini->at >= ini->text.len)
        return NULL;
    const uint8_t *line = ini->text.ptr + ini->at;
    size_t left = ini->text.len - ini->at;
    const uint8_t *newline = memchr(line, '\n', left);
    size_t len = newline == NULL ? left : (size_t)(newline - line) + 1;
    ini->line++;
    if (len >= (size_t)size) {
        (void)sid_ini_refuse(
            ini, "the line is too long; accepted: up to %d bytes", size - 2);
        return NULL;
    }
    if (memchr(line, '\0', len) != NULL) {
        (void)sid_ini_refuse(ini,
                             "the line has a NUL byte; accepted: text only");
        return NULL;
    }
    memcpy(out, line, len);
    out[len] = '\0';
    ini->at += len;
    tell_section(ini, out);
    return ini->err == SID_OK ? out : NULL;
}

static int
take_pair(void *user, const char *section, const char *name,
          const char *value) {
    struct sid_ini *ini = user;
    if (ini->err != SID_OK)
        return 0;
    enum sid_err err = ini->pair(ini, section, name, value);
    if (ini->err == SID_OK)
        ini->err = err;
    return ini->err == SID_OK;
}

enum sid_err
sid_ini_parse(struct sid_ini *ini, struct sid_span text) {
    ini->text = text;
    ini->at = 0;
    ini->line = 0;
    ini->err = SID_OK;
    ini_use_stack = false; /* its stack line has 200 bytes only */
    ini_initial_alloc = SID_INI_LINE_MAX_BYTES;
    ini_max_line = SID_INI_LINE_MAX_BYTES;
    ini_allow_multiline = false;
    ini_allow_inline_comments = false; /* " ;" would cut a path in silence */
    ini_stop_on_first_error = true;
    int bad = ini_parse_stream(next_line, ini, take_pair, ini);
    if (ini->err == SID_OK && bad == -2)
        ini->err = SID_E_NO_MEMORY;
    if (ini->err == SID_OK && bad != 0) {
        ini->line = bad;
        return sid_ini_refuse(ini, "not understood; accepted: [section], name "
                                   "= value, or a comment with # or ;");
    }
    return ini->err;
}
