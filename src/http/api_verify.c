/* api_verify.c: a clerk's question, the hot path; and what a question about
 * many codes shares with it. io thread of the connection; the flow belongs to
 * the request. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "smartid/clock.h"
#include "smartid/metrics.h"

enum { WORD_CODE, WORD_PURPOSE, WORD_COUNTER, WORDS };

/* The body, as a document or, as nearly every clerk's program writes it, as
 * three plain strings: reading those with jansson was a seventh of a check. */
struct question {
    json_t *document; /* NULL: plain */
    struct sid_json_plain plain[WORDS];
};

static enum sid_err
read_body(struct sid_span body, struct question *out) {
    struct question question = {
        .plain = {[WORD_CODE] = {.name = "code"},
                  [WORD_PURPOSE] = {.name = "purpose"},
                  [WORD_COUNTER] = {.name = "counter"}}};
    enum sid_err err = SID_OK;
    if (!sid_json_plain(body, question.plain, WORDS))
        err = sid_json_parse(body, &question.document);
    if (err == SID_OK)
        *out = question;
    return err;
}

void
sid_api_take_code(const char *value, size_t value_len,
                  struct sid_verify *verify) {
    struct sid_span text = sid_token_strip(value, value_len);
    size_t len = text.len;
    if (len > sizeof verify->code - 1)
        len = sizeof verify->code - 1;
    memcpy(verify->code, text.ptr, len);
    verify->code_len = len;
}

static enum sid_err
read_code(const struct question *question, struct sid_verify *verify,
          struct sid_field *field) {
    const char *value = question->plain[WORD_CODE].text;
    size_t value_len = question->plain[WORD_CODE].len;
    sid_field_set(field, "", "code");
    if (question->document != NULL) {
        const json_t *code = json_object_get(question->document, "code");
        if (code != NULL && !json_is_string(code))
            return SID_E_FIELD_INVALID;
        value = json_string_value(code);
        value_len = json_string_length(code);
    }
    if (value == NULL)
        return SID_E_FIELD_MISSING;
    sid_api_take_code(value, value_len, verify);
    return SID_OK;
}

static enum sid_err
read_text(const struct question *question, size_t word,
          const struct sid_json_text *what, char *out, size_t out_size,
          struct sid_field *field) {
    const struct sid_json_plain *plain = &question->plain[word];
    if (question->document != NULL)
        return sid_json_get_text(question->document, what, out, out_size,
                                 field);
    if (plain->text != NULL)
        return sid_json_take_text(plain->text, plain->len, what, out, out_size,
                                  field);
    if (what->optional) {
        out[0] = '\0';
        return SID_OK;
    }
    sid_field_set(field, what->path, what->name);
    return SID_E_FIELD_MISSING;
}

enum sid_err
sid_api_find_purpose(const struct sid_caller *caller, const char *name,
                     const struct sid_purpose **out, struct sid_field *field) {
    *out = sid_purposes_find(caller->purpose_set, name);
    if (*out != NULL)
        return SID_OK;
    sid_field_set(field, "", "purpose");
    return SID_E_FIELD_INVALID;
}

/* A purpose that was not granted is refused by the flow, which records it:
 * there it does not matter what else is missing. */
enum sid_err
sid_api_judge_counter(const struct sid_caller *caller,
                      const struct sid_purpose *purpose, const char *counter,
                      struct sid_field *field) {
    bool granted = (caller->purposes &
                    sid_purposes_bit(caller->purpose_set, purpose)) != 0;
    if (!granted || !purpose->counter_required || counter[0] != '\0')
        return SID_OK;
    sid_field_set(field, "", "counter");
    return SID_E_FIELD_MISSING;
}

static enum sid_err
read_question(const struct question *question, const struct sid_caller *caller,
              struct sid_verify *verify, struct sid_field *field) {
    static const char *const names[] = {"code", "purpose", "counter", NULL};
    static const struct sid_json_text purpose_field = {.path = "",
                                                       .name = "purpose"};
    static const struct sid_json_text counter_field = {
        .path = "", .name = "counter", .optional = true, .trim = true};
    enum sid_err err =
        question->document == NULL
            ? SID_OK
            : sid_json_only(question->document, "", names, field);
    if (err == SID_OK)
        err = read_code(question, verify, field);
    if (err != SID_OK)
        return err;
    char purpose[64];
    err = read_text(question, WORD_PURPOSE, &purpose_field, purpose,
                    sizeof purpose, field);
    if (err == SID_OK)
        err = sid_api_find_purpose(caller, purpose, &verify->purpose, field);
    if (err == SID_OK)
        err = read_text(question, WORD_COUNTER, &counter_field, verify->counter,
                        sizeof verify->counter, field);
    if (err == SID_OK)
        err = sid_api_judge_counter(caller, verify->purpose, verify->counter,
                                    field);
    return err;
}

static enum sid_err
verify_prepare(struct sid_request *req) {
    sid_request_make_flow(req, sizeof req->u.verify);
    struct question question = {.document = NULL};
    enum sid_err err = read_body(sid_buf_span(&req->body), &question);
    if (err != SID_OK)
        return err;
    err = read_question(&question, &req->caller, &req->u.verify, &req->field);
    json_decref(question.document);
    return err;
}

static void
verify_start(struct sid_request *req) {
    sid_verify_start(&req->u.verify);
}

static void
write_from_number(struct sid_json *json, const struct sid_verify *verify) {
    const char *number = verify->holder.id_number;
    uint32_t may = verify->purpose->attributes;
    if ((may & SID_ATTR_ID_NUMBER) != 0)
        sid_json_string(json, "id_number", number);
    if ((may & SID_ATTR_ID_NUMBER_MASKED) != 0) {
        char masked[SID_IDNUMBER_SIZE];
        sid_idnumber_mask(number, masked);
        sid_json_string(json, "id_number_masked", masked);
    }
    if ((may & SID_ATTR_BIRTH_DATE) != 0) {
        struct sid_birth_date birth = sid_idnumber_birth(number);
        char date[40];
        (void)snprintf(date, sizeof date, "%04d-%02d-%02d", birth.year,
                       birth.month, birth.day);
        sid_json_string(json, "birth_date", date);
    }
    if ((may & SID_ATTR_AGE_OVER_18) != 0)
        sid_json_bool(json, "age_over_18",
                      sid_idnumber_age(number, verify->checked_at_s) >= 18);
    if ((may & SID_ATTR_SEX) != 0)
        sid_json_string(json, "sex",
                        sid_idnumber_sex(number) == 'M' ? "male" : "female");
    if ((may & SID_ATTR_REGION) != 0) {
        char region[7];
        sid_idnumber_region(number, region);
        sid_json_string(json, "region", region);
    }
}

/* Only that there is one, and where: it is looked at on its own. */
static void
write_portrait(struct sid_json *json, const struct sid_verify *verify) {
    char url[64];
    if (!verify->portrait)
        return;
    (void)snprintf(url, sizeof url, "/v1/verifications/%s/portrait",
                   verify->id);
    sid_json_string(json, "portrait_url", url);
}

/* Only what the purpose allows. */
static void
write_holder(struct sid_json *json, const struct sid_verify *verify) {
    uint32_t may = verify->purpose->attributes;
    sid_json_open(json, "holder", '{');
    sid_json_string(json, "pseudonym", verify->pseudonym);
    if ((may & SID_ATTR_NAME) != 0)
        sid_json_string(json, "name", verify->holder.name);
    if ((may & SID_ATTR_NAME_MASKED) != 0) {
        char masked[SID_NAME_SIZE];
        sid_name_mask(verify->holder.name, masked);
        sid_json_string(json, "name_masked", masked);
    }
    write_from_number(json, verify);
    write_portrait(json, verify);
    sid_json_close(json, '}');
}

static const char *
reason_of(const struct sid_verify *verify) {
    if (verify->expired)
        return "expired";
    return verify->too_low      ? "assurance_too_low"
           : verify->needs_live ? "live_code_required"
           : verify->used       ? "code_used"
                                : "not_valid";
}

void
sid_api_write_check(struct sid_json *json, const struct sid_verify *verify) {
    sid_json_string(json, "id", verify->id);
    sid_json_string(json, "result", verify->valid ? "valid" : "not_valid");
    sid_json_bool(json, "valid", verify->valid);
    if (verify->valid && verify->purpose->face_required)
        sid_json_bool(json, "face_required", true);
    if (verify->valid) {
        bool live = verify->token.kind == SID_TOKEN_LIVE;
        sid_json_string(json, "assurance", live ? "live_code" : "code");
        sid_json_open(json, "credential", '{');
        sid_json_string(json, "type", verify->type);
        sid_json_string(json, "assurance", verify->assurance);
        sid_api_write_details(json, "details", verify->with_details,
                              &verify->details);
        sid_json_close(json, '}');
        write_holder(json, verify);
    } else {
        sid_json_string(json, "reason", reason_of(verify));
    }
    sid_json_time(json, "checked_at", verify->checked_at_s);
}

static enum sid_err
verify_finish(struct sid_request *req) {
    struct sid_verify *verify = &req->u.verify;
    enum sid_err err = sid_verify_finish(verify);
    if (err == SID_OK)
        err = sid_buf_reserve(&req->answer.body, SID_API_CHECK_BYTES);
    if (err != SID_OK)
        return err;
    struct sid_json json;
    sid_json_init(&json, &req->answer.body);
    sid_json_open(&json, NULL, '{');
    sid_api_write_check(&json, verify);
    sid_json_close(&json, '}');
    sid_histogram_observe_us(SID_H_VERIFY, sid_mono_us() - req->started_us);
    return json.err;
}

static void
verify_fini(struct sid_request *req) {
    sid_verify_fini(&req->u.verify);
}

const struct sid_handler sid_api_verify = {
    .prepare = verify_prepare,
    .start = verify_start,
    .finish = verify_finish,
    .fini = verify_fini,
    .is_check = true,
};
