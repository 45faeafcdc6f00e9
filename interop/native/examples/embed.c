/*
 * Features of a slide's patches by a trained encoder, one line of numbers a patch on standard output: as patches of slides, and once more
 * from pixels that the host holds, which must give the same. Needs libsslp.
 *
 *   cc -std=c99 -I../include embed.c -L../lib -lsslp -Wl,-rpath,'$ORIGIN/../lib' -o embed
 *   ./embed run/encoder.safetensors slides/ > features.txt
 */
#include <string.h>

#include "check.h"

int main(int argc, char **argv)
{
    sslp_context context;
    sslp_encoder encoder = NULL;
    sslp_encoder_info is = {sizeof is, 0, 0, 0, 0};
    sslp_tile_options tiling;
    sslp_patches patches = NULL;
    sslp_patches_info info = {sizeof info, 0, 0, 0, 0, 0, 0};
    int32_t *which, unread = 0, i, d;
    size_t bytes;
    float *features, *again;
    uint8_t *rgb;

    if (argc != 3) {
        fprintf(stderr, "usage: embed ENCODER SLIDES\n");
        return 2;
    }
    context = open_context(2);
    CHECK(sslp_encoder_open(context, argv[1], &encoder));
    CHECK(sslp_encoder_info_of(encoder, &is));
    CHECK(sslp_tile_options_init(&tiling, sizeof tiling));
    tiling.patch = is.patch_size;
    if (is.mpp > 0)
        tiling.mpp = is.mpp;
    CHECK(sslp_tile(context, argv[2], &tiling, &patches));
    CHECK(sslp_patches_info_of(patches, &info));

    which = malloc(sizeof *which * (size_t)info.count);
    features = malloc(sizeof *features * (size_t)info.count * (size_t)is.width);
    again = malloc(sizeof *again * (size_t)is.width);
    bytes = 3 * (size_t)info.patch_size * (size_t)info.patch_size;
    rgb = malloc(bytes);
    if (which == NULL || features == NULL || again == NULL || rgb == NULL)
        return 1;
    for (i = 0; i < info.count; i++)
        which[i] = i;
    CHECK(sslp_embed(encoder, patches, which, info.count, features, &unread));
    CHECK(sslp_patches_read(patches, 0, rgb, (int64_t)bytes));
    CHECK(sslp_embed_pixels(encoder, rgb, 1, info.patch_size, again));
    for (d = 0; d < is.width; d++) {
        float difference = features[d] - again[d];
        if (difference > 1e-4f || difference < -1e-4f) {
            fprintf(stderr, "feature %d of patch 0 is %g from the slide and %g from its pixels\n", (int)d, features[d], again[d]);
            return 1;
        }
    }
    fprintf(stderr, "%d features of %d numbers, %d patches unread\n", (int)info.count, (int)is.width, (int)unread);
    for (i = 0; i < info.count; i++) {
        for (d = 0; d < is.width; d++)
            printf("%.6g%c", features[(size_t)i * (size_t)is.width + (size_t)d], d + 1 < is.width ? ' ' : '\n');
    }
    free(rgb);
    free(again);
    free(features);
    free(which);
    CHECK(sslp_close(patches));
    CHECK(sslp_close(encoder));
    CHECK(sslp_close(context));
    return 0;
}
