// How bright the patches of a slide folder are, batch by batch, and a search in a bank: sslp.hpp closes what it opens, in whatever order it
// goes.
//
//   c++ -std=c++17 -I../include spread.cpp -L../lib -lsslp-data -Wl,-rpath,'$ORIGIN/../lib' -o spread
//   ./spread slides/
#include <cstdio>

#include "sslp.hpp"

int main(int argc, char **argv)
{
    if (argc != 2) {
        std::fprintf(stderr, "usage: spread SLIDES\n");
        return 2;
    }
    try {
        sslp::context context(2);
        std::printf("%s\n", context.describe().c_str());
        sslp_tile_options tiling = sslp::patches::options();
        tiling.patch = 128;
        sslp::patches patches = sslp::patches::tile(context, argv[1], &tiling);
        sslp::loader loader(patches, 4, 7);
        loader.epoch(0, [](sslp::batch batch) {
            const std::size_t pixels = static_cast<std::size_t>(batch->patch_size * batch->patch_size);
            const std::size_t bytes = static_cast<std::size_t>(batch->count) * pixels * 3;
            double sum = 0;
            for (std::size_t i = 0; i < bytes; i++)
                sum += batch->pixels[i];
            std::printf("batch %d: mean %.1f, first patch %d\n", batch->index, sum / static_cast<double>(bytes), batch->patches[0]);
        });

        sslp::bank bank(context, 1000, 16, 3);
        std::vector<float> query(16, 0.25f);
        bank.load(17, query);
        const auto [rows, similarities] = bank.search(query, 3);
        std::printf("nearest key: row %d, %.3f\n", rows[0], static_cast<double>(similarities[0]));

        try {
            sslp::slide missing(context, "/no/such/slide.svs");
            return 1;
        } catch (const sslp::error &refused) {
            std::printf("refused as it should be: %s\n", refused.what());
        }
        return rows[0] == 17 ? 0 : 1;
    } catch (const sslp::error &fault) {
        std::fprintf(stderr, "%s (%d)\n", fault.what(), fault.status());
        return 1;
    }
}
