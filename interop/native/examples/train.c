/*
 * Pretrains an encoder on a slide folder, a step at a time, and writes it for torchvision. Stopped by Ctrl-C it ends with a checkpoint; the
 * same command goes on from there. Needs libsslp.
 *
 *   cc -std=c99 -I../include train.c -L../lib -lsslp -Wl,-rpath,'$ORIGIN/../lib' -o train
 *   ./train slides/ run/ encoder.safetensors "patch=128" "epochs=10" "batch_size=32"
 */
#include <signal.h>
#include <string.h>

#include "check.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* Told each step; other than 0 ends the run after a checkpoint. Losses are printed to the last bit. */
static int32_t show(void *user, const sslp_metrics *m)
{
    (void)user;
    printf("step %d of %d: loss %.17g (self %.17g intra %.17g inter %.17g)\n", (int)m->step, (int)m->total_steps, m->loss, m->self,
        m->intra, m->inter);
    fflush(stdout);
    return interrupted;
}

int main(int argc, char **argv)
{
    char options[4096] = "";
    sslp_context context;
    sslp_tile_options tiling;
    sslp_trainer_info info = {sizeof info, 0, 0, 0, 0, 0};
    sslp_patches patches = NULL;
    sslp_trainer trainer = NULL;
    int32_t status;
    int i;

    if (argc < 4) {
        fprintf(stderr, "usage: train SLIDES RUN ENCODER [KEY=VALUE]...\n");
        return 2;
    }
    CHECK(sslp_tile_options_init(&tiling, sizeof tiling));
    for (i = 4; i < argc; i++) {
        if (strlen(options) + strlen(argv[i]) + 2 > sizeof options)
            return 2;
        strcat(strcat(options, argv[i]), "\n");
        if (strncmp(argv[i], "patch=", 6) == 0)
            tiling.patch = atoi(argv[i] + 6);
        if (strncmp(argv[i], "mpp=", 4) == 0)
            tiling.mpp = atof(argv[i] + 4);
    }
    signal(SIGINT, on_interrupt);
    context = open_context(2);
    CHECK(sslp_tile(context, argv[1], &tiling, &patches));
    CHECK(sslp_trainer_open(patches, argv[2], options, 1, &trainer));
    CHECK(sslp_trainer_info_of(trainer, &info));
    printf("%d steps of %d, %d done\n", (int)info.total_steps, (int)info.batch_size, (int)info.steps_done);
    status = sslp_trainer_run(trainer, show, NULL);
    if (status != SSLP_ERROR_CALLBACK)
        check(status, "sslp_trainer_run");
    CHECK(sslp_trainer_export(trainer, argv[3]));
    CHECK(sslp_close(trainer));
    CHECK(sslp_close(patches));
    CHECK(sslp_close(context));
    return 0;
}
