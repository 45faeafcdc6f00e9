/*
 * Which patches of a slide folder look most like a patch, by mean colour: patches are tiled and read through the loader, their colours are
 * written into a memory bank, and the bank is searched. Needs libsslp-data only.
 *
 *   cc -std=c99 -I../include search.c -L../lib -lsslp-data -lm -Wl,-rpath,'$ORIGIN/../lib' -o search
 *   ./search slides/ 128 0.5
 */
#include <math.h>
#include <string.h>

#include "check.h"

enum { WIDTH = 8, K = 5 };

/* Mean red, green and blue of a patch about grey, and their squares' roots: unit length. */
static void describe(const uint8_t *pixels, size_t count, float *feature)
{
    double sum[3] = {0, 0, 0}, squares[3] = {0, 0, 0}, length = 0;
    size_t i;
    int c;
    for (i = 0; i < 3 * count; i++) {
        double value = pixels[i] / 255.0 - 0.5;
        sum[i % 3] += value;
        squares[i % 3] += value * value;
    }
    memset(feature, 0, WIDTH * sizeof *feature);
    for (c = 0; c < 3; c++) {
        feature[c] = (float)(sum[c] / (double)count);
        feature[3 + c] = (float)sqrt(squares[c] / (double)count);
    }
    feature[6] = 1e-3f;
    for (c = 0; c < WIDTH; c++)
        length += (double)feature[c] * feature[c];
    for (c = 0; c < WIDTH; c++)
        feature[c] = (float)(feature[c] / sqrt(length));
}

int main(int argc, char **argv)
{
    sslp_context context;
    sslp_tile_options tiling;
    sslp_patches_info info = {sizeof info, 0, 0, 0, 0, 0, 0};
    sslp_loader_options loading;
    sslp_batch batch;
    sslp_patches patches = NULL;
    sslp_loader loader = NULL;
    sslp_bank bank = NULL;
    sslp_spatial spatial = NULL;
    int32_t rows[K], own = 0, *slide, *col, *row, near[64], anchor = 0, i, status;
    int64_t starts[2], needed = 0;
    float similarities[K], feature[WIDTH];
    char *text = NULL;

    if (argc != 4) {
        fprintf(stderr, "usage: search SLIDES PATCH MPP\n");
        return 2;
    }
    context = open_context(2);
    CHECK(sslp_describe(context, &text));
    printf("%s\n", text);
    CHECK(sslp_text_free(context, text));

    CHECK(sslp_tile_options_init(&tiling, sizeof tiling));
    tiling.patch = atoi(argv[2]);
    tiling.mpp = atof(argv[3]);
    CHECK(sslp_tile(context, argv[1], &tiling, &patches));
    CHECK(sslp_patches_info_of(patches, &info));
    printf("%d patches of %d px on %d slides\n", (int)info.count, (int)info.patch_size, (int)info.slides);

    /* Every patch once, in the loader's order; the last batch that is not whole is left out. */
    CHECK(sslp_bank_create(context, info.count, WIDTH, 1, &bank));
    CHECK(sslp_loader_options_init(&loading, sizeof loading));
    loading.batch_size = 4;
    CHECK(sslp_loader_open(patches, &loading, &loader));
    CHECK(sslp_loader_start(loader, 0, 0));
    batch.size = sizeof batch;
    while ((status = sslp_loader_next(loader, &batch)) == SSLP_OK) {
        size_t pixels = (size_t)batch.patch_size * (size_t)batch.patch_size;
        for (i = 0; i < batch.count; i++) {
            describe(batch.pixels + 3 * pixels * (size_t)i, pixels, feature);
            CHECK(sslp_bank_load(bank, batch.patches[i], feature, 1));
        }
        CHECK(sslp_loader_release(loader, &batch));
    }
    check(status, "sslp_loader_next");
    CHECK(sslp_close(loader));

    CHECK(sslp_bank_save(bank, anchor, feature, 1));
    CHECK(sslp_bank_search(bank, feature, 1, &own, K, rows, similarities));
    slide = malloc(3 * sizeof *slide * (size_t)info.count);
    if (slide == NULL)
        return 1;
    col = slide + info.count;
    row = col + info.count;
    CHECK(sslp_patches_places(patches, slide, col, row, info.count));
    for (i = 0; i < K; i++) {
        const char *name = NULL;
        CHECK(sslp_patches_slide_name(patches, slide[rows[i]], &name));
        printf("%d. %s column %d row %d: %.4f\n", (int)i + 1, name, (int)col[rows[i]], (int)row[rows[i]], similarities[i]);
    }
    CHECK(sslp_spatial_open(context, slide, col, row, info.count, &spatial));
    CHECK(sslp_spatial_query(spatial, &anchor, 1, 2.0, starts, near, 64, &needed));
    printf("%d patches lie beside patch %d\n", (int)needed, (int)anchor);
    free(slide);
    CHECK(sslp_close(spatial));
    CHECK(sslp_close(bank));
    CHECK(sslp_close(patches));
    CHECK(sslp_close(context));
    return 0;
}
