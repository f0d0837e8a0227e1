/* test_purposes_file.c: the purposes as people write them, and those that are
 * shipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartid/inifile.h"
#include "smartid/purposes_file.h"

static char path[64];
static struct sid_purposes set;
static struct sid_config_problem problem;

static int
make_file(void **state) {
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/sid-purposes-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int
drop_file(void **state) {
    (void)state;
    return unlink(path);
}

static enum sid_err
load(const char *text) {
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    assert_true(fputs(text, to) >= 0);
    assert_int_equal(fclose(to), 0);
    memset(&problem, 0, sizeof problem);
    return sid_purposes_load(path, &set, &problem);
}

/* Refused on this line, with both in the text; the set untouched. */
static void
refused(const char *text, int line, const char *what, const char *accepted) {
    static struct sid_purposes before;
    char where[96];
    memset(&set, 0x33, sizeof set);
    before = set;
    assert_int_equal(load(text), SID_E_CONFIG);
    assert_memory_equal(&set, &before, sizeof set);
    (void)snprintf(where, sizeof where, "%s:%d: ", path, line);
    if (strncmp(problem.text, where, strlen(where)) != 0 ||
        strstr(problem.text, what) == NULL ||
        strstr(problem.text, "; accepted: ") == NULL ||
        strstr(problem.text, accepted) == NULL)
        fail_msg("told: %s", problem.text);
}

#define N SID_ATTR_NAME
#define I SID_ATTR_ID_NUMBER
#define B SID_ATTR_BIRTH_DATE
#define S SID_ATTR_SEX
#define R SID_ATTR_REGION

static void
the_shipped_purposes_tell_exactly_what_people_agreed_to(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t attributes;
    } shipped[] = {
        {"household_registration", N | I | B | S | R},
        {"bank_account", N | I | B | S | SID_ATTR_PORTRAIT},
        {"train_ticket", N | I},
        {"drivers_licence", N | I | B | S | SID_ATTR_DETAILS},
        {"hotel_check_in", N | I | SID_ATTR_AGE_OVER_18 | SID_ATTR_PORTRAIT},
        {"security_check", SID_ATTR_NAME_MASKED | SID_ATTR_ID_NUMBER_MASKED |
                               SID_ATTR_AGE_OVER_18},
        {"emergency_service", N | B | S},
        {"immigration_service", N | I | B | S | R},
    };
    assert_int_equal(sid_purposes_load("", &set, &problem), SID_OK);
    assert_int_equal(set.count, sizeof shipped / sizeof shipped[0]);
    for (size_t i = 0; i < set.count; i++) {
        const struct sid_purpose *purpose = &set.item[i];
        assert_string_equal(purpose->name, shipped[i].name);
        assert_int_equal(purpose->attributes, shipped[i].attributes);
        assert_int_equal(purpose->assurance, SID_ASSURANCE_REMOTE);
        assert_false(purpose->counter_required);
        assert_true(purpose->help[0] != '\0');
    }
}

static void
the_shipped_file_is_what_is_built_in(void **state) {
    (void)state;
    struct sid_purposes file;
    assert_int_equal(sid_purposes_load("", &set, &problem), SID_OK);
    assert_int_equal(
        sid_purposes_load("config/purposes.example", &file, &problem), SID_OK);
    assert_true(sid_purposes_same(&set, &file));
}

static void
each_setting_of_a_purpose_is_taken(void **state) {
    (void)state;
    assert_int_equal(load("# ours\n[gate_7]\n"
                          "counter = required\ncode = live\n"
                          "assurance = counter\n"
                          "attributes = name_masked, portrait\n"
                          "face = required\n"
                          "help = Who goes in; and when\n"
                          "[b]\nattributes = age_over_18\n"
                          "counter = optional\nassurance = remote_live\n"
                          "code = day\n"),
                     SID_OK);
    assert_int_equal(set.count, 2);
    assert_string_equal(set.item[0].name, "gate_7");
    assert_string_equal(set.item[0].help, "Who goes in; and when");
    assert_int_equal(set.item[0].attributes,
                     SID_ATTR_NAME_MASKED | SID_ATTR_PORTRAIT);
    assert_int_equal(set.item[0].assurance, SID_ASSURANCE_COUNTER);
    assert_true(set.item[0].counter_required);
    assert_true(set.item[0].face_required);
    assert_true(set.item[0].live_required);
    assert_false(set.item[1].live_required);
    assert_int_equal(set.item[1].assurance, SID_ASSURANCE_REMOTE_LIVE);
    assert_false(set.item[1].counter_required);
    assert_false(set.item[1].face_required);
}

static void
a_mistake_is_refused_with_its_line_and_what_is_taken(void **state) {
    (void)state;
    refused("[a]\nattributes = name, phone\n", 2, "a.attributes",
            "name, name_masked, id_number, id_number_masked, birth_date, "
            "age_over_18, sex, portrait, region, details");
    refused("[a]\nattributes =\n", 2, "a.attributes", "name_masked");
    refused("[a]\nattributes = name\nassurance = high\n", 3, "a.assurance",
            "remote | remote_live | counter");
    refused("[a]\nattributes = name\ncounter = yes\n", 3, "a.counter",
            "required | optional");
    refused("[a]\nattributes = name\ncode = minute\n", 3, "a.code",
            "day | live");
    refused("[a]\nattributes = name\nhelp = \xff\n", 3, "a.help",
            "160 bytes of text");
    refused("[a]\nattributes = name\ntells = name\n", 3, "a.tells: unknown",
            "attributes, assurance, code, counter, face, help");
    refused("[a]\nattributes = name\nattributes = sex\n", 3,
            "a.attributes: set already", "once");
    refused("attributes = name\n", 1, "attributes: of no purpose", "[name]");
    refused("[Bank]\n", 1, "[Bank]: not a purpose's name", "a-z");
    refused("[a_name_of_more_than_32_characters]\n", 1, "not a purpose's name",
            "1 to 32");
    refused("[a]\nattributes = name\n[a]\n", 3, "[a]: there already", "once");
    refused("# nothing\n", 1, "there is no purpose", "1 to 64");
    refused("", 1, "there is no purpose", "1 to 64");
    refused("[a]\nattributes\n", 2, "not understood", "name = value");
}

static void
a_purpose_without_attributes_is_refused_where_it_begins(void **state) {
    (void)state;
    refused("\n[a]\nhelp = x\n[b]\nattributes = name\n", 2,
            "[a]: attributes are missing", "one or more of name");
    refused("[a]\nattributes = name\n[b]\nhelp = x\n", 3,
            "[b]: attributes are missing", "one or more of name");
}

static void
there_are_at_most_sixty_four(void **state) {
    (void)state;
    char text[4096];
    size_t len = 0;
    for (int i = 0; i < SID_PURPOSES_MAX; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "[p%d]\nattributes = name\n", i);
    assert_int_equal(load(text), SID_OK);
    assert_int_equal(set.count, SID_PURPOSES_MAX);
    (void)snprintf(text + len, sizeof text - len,
                   "[one_more]\nattributes = name\n");
    refused(text, 2 * SID_PURPOSES_MAX + 1, "[one_more]: too many", "64");
}

static void
as_text(struct sid_buf *out) {
    sid_buf_clear(out);
    assert_int_equal(sid_purposes_print(&set, out), SID_OK);
    assert_int_equal(strlen((const char *)out->ptr) + 1, out->len);
}

static void
parse(const char *text) {
    assert_int_equal(
        sid_purposes_parse("text", sid_span_str(text), &set, &problem), SID_OK);
}

static void
a_set_has_one_text_from_which_it_is_read_again(void **state) {
    (void)state;
    static struct sid_purposes before;
    struct sid_buf text = SID_BUF_EMPTY;
    parse("# ours\n[b]\n  help =  [x] = y ; \\ # z  \n"
          "attributes=sex,name\nassurance = remote\ncode = day\n"
          "[a]\nattributes = details\ncode = live\nface = required\n"
          "counter = required\nassurance = counter\n");
    before = set;
    as_text(&text);
    assert_string_equal((const char *)text.ptr,
                        "[b]\nattributes = name, sex\n"
                        "help = [x] = y ; \\ # z\n"
                        "\n[a]\nattributes = details\nassurance = counter\n"
                        "code = live\ncounter = required\nface = required\n");
    parse((const char *)text.ptr);
    assert_true(sid_purposes_same(&set, &before));
    sid_buf_free(&text);
}

/* Whatever a help has: it is what a person wrote. */
static void
every_help_comes_back_as_it_was(void **state) {
    (void)state;
    static struct sid_purposes before;
    struct sid_buf text = SID_BUF_EMPTY;
    for (int c = 1; c < 128; c++) {
        char line[64];
        (void)snprintf(line, sizeof line,
                       "[a]\nattributes = name\nhelp = %cx%c\n", c, c);
        if (sid_purposes_parse("text", sid_span_str(line), &set, &problem) !=
            SID_OK)
            continue; /* not a text that a file may have */
        before = set;
        as_text(&text);
        parse((const char *)text.ptr);
        assert_true(sid_purposes_same(&set, &before));
    }
    sid_buf_free(&text);
}

static void
the_largest_set_is_no_larger_than_a_file_may_be(void **state) {
    (void)state;
    struct sid_buf text = SID_BUF_EMPTY;
    memset(&set, 0, sizeof set);
    for (; set.count < SID_PURPOSES_MAX; set.count++) {
        struct sid_purpose *p = &set.item[set.count];
        (void)snprintf(p->name, sizeof p->name,
                       "a234567890123456789012345678%04d", (int)set.count);
        memset(p->help, 'h', sizeof p->help - 1);
        p->attributes = (1u << SID_ATTRIBUTE_COUNT) - 1;
        p->assurance = SID_ASSURANCE_REMOTE_LIVE;
        p->counter_required = p->live_required = p->face_required = true;
    }
    struct sid_purposes before = set;
    as_text(&text);
    assert_true(text.len < SID_INI_FILE_MAX_BYTES / 2);
    parse((const char *)text.ptr);
    assert_true(sid_purposes_same(&set, &before));
    sid_buf_free(&text);
}

static void
a_file_that_cannot_be_read_is_an_io_error(void **state) {
    (void)state;
    assert_int_equal(sid_purposes_load("/nowhere/p", &set, &problem), SID_E_IO);
    assert_non_null(strstr(problem.text, "/nowhere/p: cannot be opened"));
}

int
main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_shipped_purposes_tell_exactly_what_people_agreed_to),
        cmocka_unit_test(the_shipped_file_is_what_is_built_in),
        cmocka_unit_test(each_setting_of_a_purpose_is_taken),
        cmocka_unit_test(a_mistake_is_refused_with_its_line_and_what_is_taken),
        cmocka_unit_test(
            a_purpose_without_attributes_is_refused_where_it_begins),
        cmocka_unit_test(there_are_at_most_sixty_four),
        cmocka_unit_test(a_set_has_one_text_from_which_it_is_read_again),
        cmocka_unit_test(every_help_comes_back_as_it_was),
        cmocka_unit_test(the_largest_set_is_no_larger_than_a_file_may_be),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, make_file, drop_file);
}
