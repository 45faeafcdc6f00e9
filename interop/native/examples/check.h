/* What the examples share: a fault ends them with its sentence. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "sslp.h"

static void check(int32_t status, const char *what)
{
    sslp_fault fault = {sizeof fault, 0, NULL, NULL};
    if (status >= 0)
        return;
    sslp_last_fault(&fault);
    fprintf(stderr, "%s: %s (%d)\n", what, fault.sentence ? fault.sentence : "no sentence", (int)status);
    exit(1);
}

#define CHECK(call) check((call), #call)

static void to_stderr(void *user, int32_t level, const char *sentence)
{
    (void)user;
    (void)level;
    fprintf(stderr, "warning: %s\n", sentence);
}

static sslp_context open_context(int32_t threads)
{
    sslp_context_options options;
    sslp_context context = NULL;
    CHECK(sslp_context_options_init(&options, sizeof options));
    options.threads = threads;
    options.log = to_stderr;
    CHECK(sslp_context_open(&options, &context));
    return context;
}

#endif
