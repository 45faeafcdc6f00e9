// The bank's part of a training loop in a host that has its network on a CUDA device: features and gradient stay in device memory, and the
// work is in the order of the host's stream. A host with the CUDA toolkit includes <cuda.h> in place of the declarations here.
//
//   c++ -std=c++17 -I../include device.cpp -L../lib -lsslp-data -lcuda -Wl,-rpath,'$ORIGIN/../lib' -o device
//   ./device
#include <cstdio>

#include "sslp.hpp"

extern "C" {
typedef unsigned long long CUdeviceptr;
int cuInit(unsigned flags);
int cuDeviceGet(int *device, int ordinal);
int cuDevicePrimaryCtxRetain(void **context, int device);
int cuCtxSetCurrent(void *context);
int cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes);
int cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, void *stream);
int cuStreamCreate(void **stream, unsigned flags);
int cuStreamSynchronize(void *stream);
}

static void cuda(int result)
{
    if (result != 0)
        throw sslp::error(SSLP_ERROR_DEVICE, "A call of the CUDA driver failed.", nullptr);
}

int main()
{
    const int32_t rows = 400, width = 16, side = 20;
    try {
        // The primary context is the one that the CUDA runtime, PyTorch and this library work in.
        void *primary = nullptr, *stream = nullptr;
        int device = 0;
        cuda(cuInit(0));
        cuda(cuDeviceGet(&device, 0));
        cuda(cuDevicePrimaryCtxRetain(&primary, device));
        cuda(cuCtxSetCurrent(primary));
        cuda(cuStreamCreate(&stream, 1));

        sslp_context_options options;
        sslp::check(sslp_context_options_init(&options, sizeof options));
        options.kernels = 2;
        sslp::context context(options);
        sslp::bank bank(context, rows, width, 3);
        std::vector<int32_t> slide(rows), col(rows), row(rows);
        for (int32_t i = 0; i < rows; i++) {
            col[static_cast<std::size_t>(i)] = i % side;
            row[static_cast<std::size_t>(i)] = i / side;
        }
        sslp::spatial spatial(context, slide, col, row);
        sslp_step_options of_step = sslp::step::options();
        of_step.nearest_keys = 40;
        of_step.negatives = 30;
        sslp::step step(bank, spatial, of_step);

        const std::vector<int32_t> anchors{7, 210, 399};
        std::vector<float> host(anchors.size() * width, 0.25f);
        const std::size_t bytes = host.size() * sizeof(float);
        CUdeviceptr features = 0, gradient = 0;
        cuda(cuMemAlloc_v2(&features, bytes));
        cuda(cuMemAlloc_v2(&gradient, bytes));
        auto *f = reinterpret_cast<float *>(features), *g = reinterpret_cast<float *>(gradient);
        for (int64_t t = 0; t < 3; t++) {
            cuda(cuMemcpyHtoDAsync_v2(features, host.data(), bytes, stream)); // where the network's forward pass is
            step.enqueue(anchors, f, sslp::step::call(8, t), g, stream);
            // The backward pass from g is enqueued here, while the bank's kernels run; it is done again where the step was.
            const sslp_step_result result = step.finish();
            std::printf("step %d: loss %.4f%s\n", static_cast<int>(t), result.loss, result.again != 0 ? ", done again" : "");
            bank.update_on_device(anchors, f, 0.5f, stream);
        }
        cuda(cuStreamSynchronize(stream));

        try {
            step.enqueue(anchors, host.data(), sslp::step::call(8, 3), g, stream);
            return 1;
        } catch (const sslp::error &refused) {
            std::printf("refused as it should be: %s\n", refused.what());
        }
        return 0;
    } catch (const sslp::error &fault) {
        std::fprintf(stderr, "%s (%d)\n", fault.what(), fault.status());
        return 1;
    }
}
