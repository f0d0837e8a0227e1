/* fixture.c: see fixture.h. */
#include "fixture.h"

#include <png.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smartid/clock.h"
#include "smartid/log.h"
#include "smartid/purposes_file.h"
#include "smartid/secretfile.h"
#include "smartid/store_photo.h"
#include "smartid/text.h"

#include <cmocka.h>
#include <sched.h>

#define PHOTO_SIDE_PX 400

static void
put(char *out, size_t out_size, const char *text) {
    assert_int_equal(sid_text_copy(out, out_size, text), SID_OK);
}

static struct sid_caller
caller_of(enum sid_role role, const char *id) {
    struct sid_caller caller = {.role = role};
    put(caller.client_id, sizeof caller.client_id, id);
    return caller;
}

struct fixture *
fixture_new(void) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    sid_log_set_level(SID_LOG_ERROR);
    assert_int_equal(sid_crypto_init(), SID_OK);
    sid_config_default(&f->config);
    f->config.workers = 2;
    f->config.queue_capacity = 8;
    struct sid_config_problem wrong;
    assert_int_equal(sid_purposes_load("", &f->purposes, &wrong), SID_OK);
    put(f->config.face_isolation, sizeof f->config.face_isolation, "thread");
    f->config.attempts_per_day = 0;
    put(f->folder, sizeof f->folder, "/tmp/sid-app-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    char *key_file = f->config.master_key_file;
    (void)snprintf(key_file, SID_PATH_SIZE, "%s/master.key", f->folder);
    assert_int_equal(sid_secretfile_make(key_file, SID_KEY_BYTES), SID_OK);
    (void)snprintf(f->heads, sizeof f->heads, "%s/heads", f->folder);
    struct sid_store *store = NULL;
    assert_int_equal(sid_store_open(":memory:", true, NULL, &store), SID_OK);
    assert_int_equal(sid_keys_open(store, key_file, &f->master, &f->keys),
                     SID_OK);
    assert_int_equal(sid_writer_new(&store, &f->writer), SID_OK);
    assert_int_equal(sid_keyset_new(&f->keyset), SID_OK);
    struct sid_app_parts parts = {.config = &f->config,
                                  .keys = f->keys,
                                  .master = &f->master,
                                  .writer = f->writer,
                                  .keyset = f->keyset,
                                  .purposes = &f->purposes,
                                  .head_file = f->heads};
    assert_int_equal(sid_app_new(&parts, &f->app), SID_OK);
    char problem[512] = "";
    assert_int_equal(sid_app_start_workers(f->app, problem, sizeof problem),
                     SID_OK);
    f->app_caller = caller_of(SID_ROLE_APP, "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa");
    f->other_app = caller_of(SID_ROLE_APP, "cli_bbbbbbbbbbbbbbbbbbbbbbbbbb");
    f->clerk = caller_of(SID_ROLE_CLERK, "cli_cccccccccccccccccccccccccc");
    f->clerk.purpose_set = sid_app_purposes(f->app);
    f->clerk.purposes = sid_purposes_resolve(
        f->clerk.purpose_set, "household_registration security_check", NULL,
        NULL);
    put(f->clerk.party, sizeof f->clerk.party, "Registry");
    f->officer = caller_of(SID_ROLE_OFFICER, "cli_dddddddddddddddddddddddddd");
    f->admin = caller_of(SID_ROLE_ADMIN, "cli_eeeeeeeeeeeeeeeeeeeeeeeeee");
    return f;
}

void
fixture_free(struct fixture *f) {
    sid_app_quiesce(f->app);
    sid_app_free(&f->app);
    sid_writer_free(&f->writer);
    sid_keyset_free(&f->keyset);
    sid_keyring_free(&f->keys);
    sid_master_free(&f->master);
    sid_crypto_fini();
    assert_int_equal(unlink(f->config.master_key_file), 0);
    (void)unlink(f->heads); /* there is one where a test wrote it */
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
}

static void
png_collect(png_structp png, png_bytep data, png_size_t len) {
    struct sid_buf *buf = png_get_io_ptr(png);
    assert_int_equal(sid_buf_append(buf, data, len), SID_OK);
}

struct sid_buf
fixture_photo(int person, int flaw, int photo) {
    struct sid_buf out = SID_BUF_EMPTY;
    png_byte row[PHOTO_SIDE_PX * 3];
    for (size_t x = 0; x < PHOTO_SIDE_PX; x++) {
        row[3 * x] = (png_byte)(person * 8);
        row[3 * x + 1] = (png_byte)(flaw < 16 ? flaw * 16 : 255);
        row[3 * x + 2] = (png_byte)photo;
    }
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &out, png_collect, NULL);
    png_set_IHDR(png, info, PHOTO_SIDE_PX, PHOTO_SIDE_PX, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (int y = 0; y < PHOTO_SIDE_PX; y++)
        png_write_row(png, row);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return out;
}

struct waiting {
    struct sid_flow *flow;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool done;
    struct waiting *next;
};
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiting *registry;

static void
flow_done(struct sid_flow *flow) {
    pthread_mutex_lock(&registry_lock);
    struct waiting *w = registry;
    while (w->flow != flow)
        w = w->next;
    pthread_mutex_unlock(&registry_lock);
    pthread_mutex_lock(&w->lock);
    w->done = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

void
fixture_run(struct fixture *f, struct sid_flow *flow,
            const struct sid_caller *caller, flow_start_fn *start) {
    struct waiting w = {.flow = flow,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .cond = PTHREAD_COND_INITIALIZER};
    pthread_mutex_lock(&registry_lock);
    w.next = registry;
    registry = &w;
    pthread_mutex_unlock(&registry_lock);
    flow->app = f->app;
    flow->caller = *caller;
    flow->done = flow_done;
    start(flow);
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.cond, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_mutex_lock(&registry_lock);
    struct waiting **link = &registry;
    while (*link != &w)
        link = &(*link)->next;
    *link = w.next;
    pthread_mutex_unlock(&registry_lock);
}

void
fixture_fill(struct sid_enrol_submit *submit, const char *number, int id_person,
             int id_flaw, int selfie_person, int selfie_flaw) {
    put(submit->holder.name, sizeof submit->holder.name, "Zhang Yangben");
    put(submit->id_number_text, sizeof submit->id_number_text, number);
    put(submit->consent_version, sizeof submit->consent_version, "2026-01");
    submit->consent_at_s = sid_now_s();
    submit->photo[SID_PHOTO_ID] = fixture_photo(id_person, id_flaw, 10);
    submit->photo[SID_PHOTO_SELFIE] =
        fixture_photo(selfie_person, selfie_flaw, 200);
}

static void
submit_start(void *flow) {
    sid_enrol_submit_start(flow);
}

void
fixture_submit(struct fixture *f, struct sid_enrol_submit *submit,
               const struct sid_caller *caller) {
    submit->body_bytes = 100;
    assert_int_equal(sid_enrol_reserve(f->app, 100), SID_OK);
    fixture_run(f, &submit->flow, caller, submit_start);
}

void
fixture_enrol(struct fixture *f, struct sid_enrol_submit *submit,
              const char *number, int id_flaw, int selfie_flaw) {
    *submit = (struct sid_enrol_submit){0};
    fixture_fill(submit, number, 5, id_flaw, 5, selfie_flaw);
    submit->wait_until_us = sid_mono_us() + (int64_t)60 * 1000000;
    fixture_submit(f, submit, &f->app_caller);
    assert_int_equal(submit->flow.err, SID_OK);
}

static void
verify_start(void *flow) {
    sid_verify_start(flow);
}

void
fixture_verify(struct fixture *f, struct sid_verify *verify, const char *code,
               const char *purpose) {
    *verify = (struct sid_verify){
        .purpose = sid_purposes_find(f->clerk.purpose_set, purpose)};
    assert_non_null(verify->purpose);
    verify->code_len = strlen(code);
    memcpy(verify->code, code, verify->code_len + 1);
    put(verify->counter, sizeof verify->counter, "7");
    fixture_run(f, &verify->flow, &f->clerk, verify_start);
    if (verify->flow.err == SID_OK)
        assert_int_equal(sid_verify_finish(verify), SID_OK);
}

static void
code_start(void *flow) {
    sid_credential_code_start(flow);
}

void
fixture_code(struct fixture *f, const char *credential_id,
             char out[SID_TOKEN_SIZE]) {
    struct sid_credential_code code = {0};
    memcpy(code.id, credential_id, sizeof code.id);
    fixture_run(f, &code.flow, &f->app_caller, code_start);
    assert_int_equal(code.flow.err, SID_OK);
    assert_int_equal(sid_credential_code_finish(&code), SID_OK);
    memcpy(out, code.code, SID_TOKEN_SIZE);
    sid_credential_code_fini(&code);
}

struct audit_op {
    struct sid_op op;
    struct last_audit last;
    int64_t photos;
};

static enum sid_err
keep_last(const struct sid_audit_entry *entry, void *ctx) {
    const struct sid_audit_row *row = &entry->row;
    struct last_audit *last = ctx;
    last->rows++;
    put(last->event, sizeof last->event, row->event);
    put(last->outcome, sizeof last->outcome, row->outcome);
    put(last->actor, sizeof last->actor, row->actor);
    put(last->subject, sizeof last->subject, row->subject);
    put(last->detail, sizeof last->detail, row->detail);
    return SID_OK;
}

enum sid_err
fixture_reload(struct fixture *f, const struct sid_config *next,
               const struct sid_purposes *purposes) {
    enum sid_err err = sid_app_reload(f->app, next, purposes);
    if (err != SID_OK)
        return err;
    while (!sid_app_reloaded(f->app, &err))
        (void)sched_yield();
    return err;
}

static enum sid_err
audit_run(struct sid_op *op, struct sid_store *store) {
    struct audit_op *audit = (struct audit_op *)op;
    enum sid_err err = sid_store_photo_count(store, &audit->photos);
    return err != SID_OK ? err
                         : sid_store_audit_each(store, 0, 100000, keep_last,
                                                &audit->last);
}

static struct audit_op
read_audit(struct fixture *f) {
    struct audit_op audit = {.op = {.run = audit_run, .read_only = true}};
    assert_int_equal(sid_writer_run(f->writer, &audit.op), SID_OK);
    return audit;
}

struct text_op {
    struct sid_op op;
    int64_t after;
    char *out;
    size_t len, out_size;
};

static enum sid_err
put_row(const struct sid_audit_entry *entry, void *ctx) {
    const struct sid_audit_row *row = &entry->row;
    struct text_op *to = ctx;
    int n = snprintf(to->out + to->len, to->out_size - to->len, "%s %s %s %s\n",
                     row->event, row->actor, row->outcome, row->detail);
    assert_in_range(n, 1, to->out_size - to->len - 1);
    to->len += (size_t)n;
    to->after = row->seq;
    return SID_OK;
}

static enum sid_err
text_run(struct sid_op *op, struct sid_store *store) {
    struct text_op *to = (struct text_op *)op;
    return sid_store_audit_each(store, to->after, 100000, put_row, to);
}

int64_t
fixture_audit_text(struct fixture *f, int64_t after, char *out,
                   size_t out_size) {
    struct text_op to = {.op = {.run = text_run, .read_only = true},
                         .after = after,
                         .out = out,
                         .out_size = out_size};
    out[0] = '\0';
    assert_int_equal(sid_writer_run(f->writer, &to.op), SID_OK);
    return to.after;
}

struct last_audit
fixture_audit(struct fixture *f) {
    return read_audit(f).last;
}

int64_t
fixture_photos_stored(struct fixture *f) {
    return read_audit(f).photos;
}
