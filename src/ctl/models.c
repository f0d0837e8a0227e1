/* models.c: smartidctl models: what the manifest of a face model pack has to
 * say about its networks' self-test. Main thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "smartid/models.h"

static int
usage(FILE *to, int status) {
    (void)fputs(
        "usage: smartidctl models selftest [--models DIR]\n"
        "Prints what the networks of a model pack answer to their built-in\n"
        "test inputs, as lines for its models.ini. For a pack that you trust:\n"
        "the daemon refuses to start when they answer anything else.\n"
        "  --models DIR   folder of the pack (default: the environment's\n"
        "                 SMARTIDD_FACE_MODEL_DIR, else the daemon's "
        "default)\n",
        to);
    return status;
}

int
sid_ctl_models(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, SID_CTL_OK);
    bool has_folder = argc == 4 && strcmp(argv[2], "--models") == 0;
    if ((argc != 2 && !has_folder) || strcmp(argv[1], "selftest") != 0)
        return usage(stderr, SID_CTL_USAGE);
    struct sid_config config;
    sid_config_default(&config);
    const char *dir = getenv("SMARTIDD_FACE_MODEL_DIR");
    char problem[512] = "";
    enum sid_err err =
        sid_models_print_selftest(has_folder    ? argv[3]
                                  : dir != NULL ? dir
                                                : config.model_dir,
                                  stdout, problem, sizeof problem);
    if (err == SID_OK)
        return SID_CTL_OK;
    (void)fprintf(stderr, "smartidctl: %s %s\n", sid_err_text(err), problem);
    return SID_CTL_FAILED;
}
