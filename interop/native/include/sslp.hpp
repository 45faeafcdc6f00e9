// sslp.hpp: sslp.h for C++17, header only. A handle is an object that closes itself; a fault is an exception with the library's sentence.
// Objects hold what they were opened from, so that they may go out of scope in any order. Threads: as sslp.h says of each kind.
#ifndef SSLP_HPP
#define SSLP_HPP

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sslp.h"

namespace sslp {

// A fault of the library: its sentence, its status (SSLP_ERROR_...) and the detail for a report.
class error : public std::runtime_error {
public:
    error(int32_t status, const char *sentence, const char *detail)
        : std::runtime_error(sentence != nullptr ? sentence : "no sentence"), status_(status), detail_(detail != nullptr ? detail : "")
    {
    }
    int32_t status() const noexcept { return status_; }
    const std::string &detail() const noexcept { return detail_; }

private:
    int32_t status_;
    std::string detail_;
};

// Throws where a call failed; false where it says that nothing is left.
inline bool check(int32_t status)
{
    if (status >= 0)
        return status == SSLP_OK;
    sslp_fault fault{sizeof fault, 0, nullptr, nullptr};
    sslp_last_fault(&fault);
    throw error(status, fault.sentence, fault.detail);
}

namespace detail {

// A handle and what it was opened from, which is closed after it.
template <class Handle> class owned {
public:
    template <class... Parents> explicit owned(Handle handle, Parents... parents) : parents_{std::move(parents)...}, handle_(handle) {}
    owned(const owned &) = delete;
    owned &operator=(const owned &) = delete;
    ~owned() { sslp_close(handle_); }
    Handle get() const noexcept { return handle_; }

private:
    std::vector<std::shared_ptr<void>> parents_;
    Handle handle_;
};

template <class Handle> using shared = std::shared_ptr<owned<Handle>>;

} // namespace detail

class context {
public:
    explicit context(int32_t threads = 0, sslp_log_function log = nullptr, void *log_user = nullptr)
    {
        sslp_context_options options;
        check(sslp_context_options_init(&options, sizeof options));
        options.threads = threads;
        options.log = log;
        options.log_user = log_user;
        open(options);
    }
    explicit context(const sslp_context_options &options) { open(options); }

    std::string describe() const
    {
        char *text = nullptr;
        check(sslp_describe(get(), &text));
        return take(text);
    }
    // One line of JSON a slide.
    std::string audit(const std::string &slides, const sslp_tile_options *options = nullptr, bool deep = false) const
    {
        char *text = nullptr;
        check(sslp_audit(get(), slides.c_str(), options, deep ? 1 : 0, &text));
        return take(text);
    }
    void cancel() const { check(sslp_cancel(get())); }
    sslp_context get() const noexcept { return handle_->get(); }
    const detail::shared<sslp_context> &shared() const noexcept { return handle_; }

private:
    void open(const sslp_context_options &options)
    {
        sslp_context opened = nullptr;
        check(sslp_context_open(&options, &opened));
        handle_ = std::make_shared<detail::owned<sslp_context>>(opened);
    }
    std::string take(char *text) const
    {
        std::string copy(text);
        sslp_text_free(get(), text);
        return copy;
    }
    detail::shared<sslp_context> handle_;
};

class slide {
public:
    slide(const context &from, const std::string &path, int32_t reader = 0)
    {
        sslp_slide opened = nullptr;
        check(sslp_slide_open(from.get(), path.c_str(), reader, &opened));
        handle_ = std::make_shared<detail::owned<sslp_slide>>(opened, from.shared());
    }
    sslp_slide_info info() const
    {
        sslp_slide_info info{};
        info.size = sizeof info;
        check(sslp_slide_info_of(get(), &info));
        return info;
    }
    sslp_level_info level(int32_t level) const
    {
        sslp_level_info info{};
        info.size = sizeof info;
        check(sslp_slide_level(get(), level, &info));
        return info;
    }
    // [height, width, 3]
    std::vector<uint8_t> read(int32_t level, int64_t x, int64_t y, int32_t width, int32_t height) const
    {
        std::vector<uint8_t> rgb(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
        check(sslp_slide_read(get(), level, x, y, width, height, rgb.data(), static_cast<int64_t>(rgb.size())));
        return rgb;
    }
    sslp_slide get() const noexcept { return handle_->get(); }

private:
    detail::shared<sslp_slide> handle_;
};

class patches {
public:
    static patches tile(const context &from, const std::string &slides, const sslp_tile_options *options = nullptr)
    {
        sslp_patches opened = nullptr;
        check(sslp_tile(from.get(), slides.c_str(), options, &opened));
        return patches(opened, from);
    }
    static patches manifest(const context &from, const std::string &file, const char *slides_folder = nullptr)
    {
        sslp_patches opened = nullptr;
        check(sslp_patches_open_manifest(from.get(), file.c_str(), slides_folder, &opened));
        return patches(opened, from);
    }
    static patches folder(const context &from, const std::string &folder, bool needs_coordinates = true, double mpp = 0)
    {
        sslp_patches opened = nullptr;
        check(sslp_patches_open_folder(from.get(), folder.c_str(), needs_coordinates ? 1 : 0, mpp, &opened));
        return patches(opened, from);
    }
    static sslp_tile_options options()
    {
        sslp_tile_options options;
        check(sslp_tile_options_init(&options, sizeof options));
        return options;
    }
    sslp_patches_info info() const
    {
        sslp_patches_info info{};
        info.size = sizeof info;
        check(sslp_patches_info_of(get(), &info));
        return info;
    }
    void save(const std::string &manifest) const { check(sslp_patches_save(get(), manifest.c_str())); }
    sslp_patches get() const noexcept { return handle_->get(); }
    const detail::shared<sslp_patches> &shared() const noexcept { return handle_; }

private:
    patches(sslp_patches opened, const context &from) : handle_(std::make_shared<detail::owned<sslp_patches>>(opened, from.shared())) {}
    detail::shared<sslp_patches> handle_;
};

// A lent batch, given back at its end.
class batch {
public:
    batch(sslp_batch lent, detail::shared<sslp_loader> loader) : lent_(lent), loader_(std::move(loader)) {}
    batch(batch &&other) noexcept : lent_(other.lent_), loader_(std::move(other.loader_)) {}
    batch &operator=(batch &&) = delete;
    batch(const batch &) = delete;
    batch &operator=(const batch &) = delete;
    ~batch()
    {
        if (loader_)
            sslp_loader_release(loader_->get(), &lent_);
    }
    const sslp_batch *operator->() const noexcept { return &lent_; }
    // [B, P, P, 3] in device memory, in the order of the stream.
    const uint8_t *upload(sslp_stream stream)
    {
        check(sslp_loader_upload(loader_->get(), &lent_, stream));
        return lent_.device_pixels;
    }

private:
    sslp_batch lent_;
    detail::shared<sslp_loader> loader_;
};

class loader {
public:
    explicit loader(const patches &from, int32_t batch_size = 64, uint64_t seed = 0, int32_t slots = 4, int32_t threads = 0)
    {
        sslp_loader_options options;
        check(sslp_loader_options_init(&options, sizeof options));
        options.batch_size = batch_size;
        options.seed = seed;
        options.slots = slots;
        options.threads = threads;
        sslp_loader opened = nullptr;
        check(sslp_loader_open(from.get(), &options, &opened));
        handle_ = std::make_shared<detail::owned<sslp_loader>>(opened, from.shared());
    }
    // Calls take(batch) for each batch of an epoch.
    template <class Take> void epoch(int32_t number, Take take)
    {
        check(sslp_loader_start(get(), number, 0));
        sslp_batch lent{};
        lent.size = sizeof lent;
        while (check(sslp_loader_next(get(), &lent)))
            take(batch(lent, handle_));
    }
    sslp_loader get() const noexcept { return handle_->get(); }

private:
    detail::shared<sslp_loader> handle_;
};

class bank {
public:
    bank(const context &from, int32_t rows, int32_t width, uint64_t seed)
    {
        sslp_bank opened = nullptr;
        check(sslp_bank_create(from.get(), rows, width, seed, &opened));
        handle_ = std::make_shared<detail::owned<sslp_bank>>(opened, from.shared());
        width_ = width;
    }
    void load(int32_t first_row, const std::vector<float> &values)
    {
        check(sslp_bank_load(get(), first_row, values.data(), static_cast<int32_t>(values.size()) / width_));
    }
    void update(const std::vector<int32_t> &rows, const std::vector<float> &features, float momentum)
    {
        require(features.size() == rows.size() * static_cast<std::size_t>(width_));
        check(sslp_bank_update(get(), rows.data(), features.data(), static_cast<int32_t>(rows.size()), momentum));
    }
    // rows and similarities [queries, k], best first.
    std::pair<std::vector<int32_t>, std::vector<float>> search(const std::vector<float> &queries, int32_t k) const
    {
        const auto count = static_cast<int32_t>(queries.size()) / width_;
        require(queries.size() == static_cast<std::size_t>(count) * static_cast<std::size_t>(width_) && k > 0);
        std::vector<int32_t> rows(static_cast<std::size_t>(count) * static_cast<std::size_t>(k));
        std::vector<float> similarities(rows.size());
        check(sslp_bank_search(get(), queries.data(), count, nullptr, k, rows.data(), similarities.data()));
        return {std::move(rows), std::move(similarities)};
    }
    // Device memory, in the order of the stream: queries [count, width]; rows and similarities [count, k].
    void search_on_device(const float *queries, int32_t count, int32_t k, int32_t *rows, float *similarities, sslp_stream stream) const
    {
        check(sslp_bank_search_on_device(get(), queries, count, nullptr, k, rows, similarities, stream));
    }
    // features [rows, width] in device memory, in the order of the stream.
    void update_on_device(const std::vector<int32_t> &rows, const float *features, float momentum, sslp_stream stream)
    {
        check(sslp_bank_update_on_device(get(), rows.data(), features, static_cast<int32_t>(rows.size()), momentum, stream));
    }
    int32_t width() const noexcept { return width_; }
    sslp_bank get() const noexcept { return handle_->get(); }
    const detail::shared<sslp_bank> &shared() const noexcept { return handle_; }

private:
    static void require(bool holds)
    {
        if (!holds)
            throw error(SSLP_ERROR_SIZE, "The vectors are not whole rows of this bank.", nullptr);
    }
    detail::shared<sslp_bank> handle_;
    int32_t width_ = 0;
};

// Entry i is the place of bank row i.
class spatial {
public:
    spatial(const context &from, const std::vector<int32_t> &slide, const std::vector<int32_t> &col, const std::vector<int32_t> &row)
    {
        if (slide.size() != col.size() || slide.size() != row.size())
            throw error(SSLP_ERROR_SIZE, "slide, col and row differ in length.", nullptr);
        sslp_spatial opened = nullptr;
        check(sslp_spatial_open(from.get(), slide.data(), col.data(), row.data(), static_cast<int32_t>(slide.size()), &opened));
        handle_ = std::make_shared<detail::owned<sslp_spatial>>(opened, from.shared());
    }
    sslp_spatial get() const noexcept { return handle_->get(); }
    const detail::shared<sslp_spatial> &shared() const noexcept { return handle_; }

private:
    detail::shared<sslp_spatial> handle_;
};

class step {
public:
    step(const bank &over, const spatial &places, const sslp_step_options &options) : width_(over.width())
    {
        sslp_step opened = nullptr;
        check(sslp_step_open(over.get(), places.get(), &options, &opened));
        handle_ = std::make_shared<detail::owned<sslp_step>>(opened, places.shared(), over.shared());
    }
    static sslp_step_options options()
    {
        sslp_step_options options;
        check(sslp_step_options_init(&options, sizeof options));
        return options;
    }
    static sslp_step_call call(uint64_t seed, int64_t number)
    {
        sslp_step_call call{};
        call.size = sizeof call;
        call.seed = seed;
        call.step = number;
        call.self_weight = call.intra_weight = call.inter_weight = 1;
        return call;
    }
    // gradient [anchors, width] is written.
    sslp_step_result run(const std::vector<int32_t> &anchors, const std::vector<float> &features, const sslp_step_call &call,
                         std::vector<float> &gradient)
    {
        if (features.size() != anchors.size() * static_cast<std::size_t>(width_))
            throw error(SSLP_ERROR_SIZE, "The features are not a row of the bank's width for each anchor.", nullptr);
        gradient.resize(features.size());
        sslp_step_result result = empty();
        check(sslp_step_run(get(), anchors.data(), features.data(), static_cast<int32_t>(anchors.size()), &call, gradient.data(), &result));
        return result;
    }
    // features and gradient [anchors, width] in device memory, in the order of the stream; then finish().
    void enqueue(const std::vector<int32_t> &anchors, const float *features, const sslp_step_call &call, float *gradient,
                 sslp_stream stream)
    {
        check(sslp_step_enqueue(get(), anchors.data(), features, static_cast<int32_t>(anchors.size()), &call, gradient, stream));
    }
    // Where again is 1 the gradient has been written anew.
    sslp_step_result finish()
    {
        sslp_step_result result = empty();
        check(sslp_step_finish(get(), &result));
        return result;
    }
    sslp_step get() const noexcept { return handle_->get(); }

private:
    static sslp_step_result empty()
    {
        sslp_step_result result{};
        result.size = sizeof result;
        return result;
    }
    detail::shared<sslp_step> handle_;
    int32_t width_;
};

} // namespace sslp

#endif
