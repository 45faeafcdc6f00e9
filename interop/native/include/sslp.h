/*
 * sslp.h: the C interface of SSLP.Engine, ABI version 2.
 *
 * Two libraries have it. libsslp-data: slides, loader, bank, spatial neighbours, the three-term step; no torch. libsslp: all of that, and
 * the training and embedding at the end of this file. A process loads one of them. Neither needs .NET on the machine.
 *
 * STATUS. Every function returns an int32_t: SSLP_OK (0), SSLP_END (1: nothing is left, no fault), or a fault below 0, of which the calling
 * thread then keeps a sentence (sslp_last_fault). Nothing is thrown across this interface. On a fault no output is to be used but where its
 * function says so.
 *
 * HANDLES are no pointers: a handle that was closed, is of another kind or never was one gives SSLP_ERROR_HANDLE. sslp_close() closes any;
 * null is passed over. What was opened from a handle is closed before it, else SSLP_ERROR_BUSY.
 *
 * THREADS. A context, a slide, patches and a spatial index may be used by any number of threads at a time. A loader, a bank, a step, a
 * trainer and an encoder take one call at a time; another thread that comes meanwhile gets SSLP_ERROR_BUSY and nothing happens. Of those,
 * sslp_loader_release, sslp_loader_upload, the deleter of a DLPack tensor, sslp_cancel and the functions ending in _info_of may be called
 * at any time from any thread. sslp_close is refused while a call is at work with the handle. The host's functions (log, progress) are
 * called from this library's threads, never two at a time, and must not call sslp_close; parallel_for is called by the thread whose call
 * computes, one at a time a context. Several contexts in one process do not disturb each other; libtorch's thread count, which is one a
 * process, follows whoever computes.
 *
 * STRUCTS begin with their size: set it to sizeof, or call the struct's _init. Another size gives SSLP_ERROR_SIZE.
 *
 * MEMORY. What a function gives out is this library's, and its comment says how long it stays; only text that is said to be given back is
 * the host's (sslp_text_free). All buffers are row-major and packed. Text is UTF-8 with a zero at its end.
 *
 * CUDA DEVICES. A context with kernels 2 computes on one, in its primary context, which is the CUDA runtime's (and so PyTorch's). All
 * functions take and give the host's memory but these: sslp_bank_search_on_device, sslp_bank_update_on_device, sslp_step_enqueue and
 * sslp_loader_upload, which take a stream of the host's. What they do comes after all that the stream has when they are called and before
 * all that it gets later; that order is the device's, and the host waits for nothing but where a function says so, where buffers of this
 * library grow, and for a kernel's first launch, when the driver compiles it. Device memory is checked to be that of the context's device,
 * and starts on 16 bytes. It stays the host's, and stays as it is until the stream has passed.
 * What these functions compute was compared with the CPU's on a machine that executes their kernels' text on the host; no card has run it.
 */
#ifndef SSLP_H
#define SSLP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SSLP_ABI_VERSION 2

enum {
    SSLP_OK = 0,
    SSLP_END = 1,               /* the epoch or the training is at its end */
    SSLP_ERROR_USAGE = -1,      /* an argument, key or value that means nothing */
    SSLP_ERROR_INPUT = -2,      /* what was named is not there, not readable, or not what the work needs */
    SSLP_ERROR_DATA = -3,       /* a file is damaged */
    SSLP_ERROR_DEVICE = -4,     /* a device or native library is missing or does not serve */
    SSLP_ERROR_SPACE = -5,      /* memory or disk do not suffice */
    SSLP_ERROR_DIVERGED = -6,   /* a training that cannot go on because of what it learned */
    SSLP_ERROR_STOPPED = -7,    /* cancelled by sslp_cancel */
    SSLP_ERROR_INTERNAL = -8,   /* a fault of this library: please report its detail */
    SSLP_ERROR_HANDLE = -9,     /* null, closed, of another kind, or none of this library's */
    SSLP_ERROR_BUSY = -10,      /* at work in another thread, a step is under way, or something opened from it is open still */
    SSLP_ERROR_VERSION = -11,   /* the host was built against another version of this file */
    SSLP_ERROR_SIZE = -12,      /* a struct or buffer of another size than is needed */
    SSLP_ERROR_CALLBACK = -13   /* a function of the host returned other than 0 */
};

typedef struct sslp_context_t *sslp_context;
typedef struct sslp_slide_t *sslp_slide;
typedef struct sslp_patches_t *sslp_patches;
typedef struct sslp_loader_t *sslp_loader;
typedef struct sslp_bank_t *sslp_bank;
typedef struct sslp_spatial_t *sslp_spatial;
typedef struct sslp_step_t *sslp_step;
typedef struct sslp_trainer_t *sslp_trainer;
typedef struct sslp_encoder_t *sslp_encoder;

/* ---- The library, contexts, faults ---- */

/* A sentence for the host's log: level 1 is a warning (a slide that was left out, patches that did not read). The text ends with
   the call. */
typedef void (*sslp_log_function)(void *user, int32_t level, const char *sentence);

/* Memory of the host: bytes on a boundary of alignment (a power of two), or null where there is none. Batches and texts lie in it. */
typedef void *(*sslp_allocate_function)(void *user, size_t bytes, size_t alignment);
typedef void (*sslp_release_function)(void *user, void *memory);

/* Progress: done of total, and a sentence on the last one that ends with the call. Returns 0 to go on; other than 0 ends the work
   (SSLP_ERROR_CALLBACK). */
typedef int32_t (*sslp_progress_function)(void *user, int64_t done, int64_t total, const char *sentence);

/* The host's own threads: calls item(state, i, worker) for every i of 0 to items - 1 once, on any of its threads, and returns 0 when all
   are done. worker is 0 to threads - 1 of the context's options, and no two items have one worker at a time. Other than 0: not all was done
   (SSLP_ERROR_CALLBACK). */
typedef void (*sslp_item_function)(void *state, int32_t item, int32_t worker);
typedef int32_t (*sslp_parallel_for_function)(void *user, int32_t items, sslp_item_function item, void *state);

typedef struct {
    uint32_t size;
    int32_t status;        /* SSLP_OK where no call of this thread failed yet */
    const char *sentence;  /* what, where, what to do; null where there is none */
    const char *detail;    /* for a bug report; null where there is none */
} sslp_fault;

typedef struct {
    uint32_t size;
    int32_t abi_version;        /* SSLP_ABI_VERSION, as the host was compiled */
    int32_t threads;            /* of kernels, readers and libtorch; 0: one a processor */
    int32_t kernels;            /* 0 cpu, 1 reference (plain loops in double: slow), 2 cuda */
    int64_t tile_cache_bytes;   /* decoded tiles that patches share; below 0: the default, 64 MiB */
    const char *libtorch;       /* libsslp: lib folder of a Python torch; null: the one beside the library */
    sslp_log_function log;      /* null: none */
    void *log_user;
    sslp_allocate_function allocate; /* null: this library's own; goes with release */
    sslp_release_function release;
    void *memory_user;
    /* null: this library's own threads; else kernels run on the host's, and threads says how many */
    sslp_parallel_for_function parallel_for;
    void *parallel_user;
    int32_t device;             /* of kernels 2: number of the CUDA device, as the CUDA runtime counts */
    int32_t scores;             /* of kernels 2: 0 float32, 1 bf16 on tensor cores: the same rows of a search, near ones of a step */
} sslp_context_options;

/* A CUstream of the device's primary context, which a cudaStream_t is; null and CU_STREAM_LEGACY: the legacy default stream.
   CU_STREAM_PER_THREAD is refused: it is another stream in each thread. */
typedef void *sslp_stream;

/* SSLP_ABI_VERSION of the library. */
int32_t sslp_abi_version(void);

/* The calling thread's last fault. Its texts stay until the thread's next fault; a call that succeeds leaves them. */
int32_t sslp_last_fault(sslp_fault *fault);

int32_t sslp_context_options_init(sslp_context_options *options, uint32_t size);

/* SSLP_ERROR_VERSION where abi_version is not the library's. */
int32_t sslp_context_open(const sslp_context_options *options, sslp_context *context);

/* One line: kernels, vector width, threads, decoders. The text is the host's: sslp_text_free. */
int32_t sslp_describe(sslp_context context, char **text);

/* Closes any handle; null is passed over. */
int32_t sslp_close(void *handle);

/* Asks the calls that run with a context (tiling, audit), a loader (waiting) or a trainer (its step is finished, a checkpoint written) to
   end with SSLP_ERROR_STOPPED; returns at once. */
int32_t sslp_cancel(void *handle);

/* Gives back a text of this context; null is passed over. */
int32_t sslp_text_free(sslp_context context, char *text);

/* ---- Slides ---- */

typedef struct {
    uint32_t size;
    int32_t levels;      /* from the finest, 0 */
    int64_t width;       /* of level 0, px */
    int64_t height;
    double mpp_x;        /* micrometres per level-0 pixel; 0 where the file states none that can be believed */
    double mpp_y;
    int32_t reader;      /* which reads it: 1 OpenSlide, 2 the embedded reader */
    int32_t notes;       /* sentences of sslp_slide_note */
    const char *format;  /* by OpenSlide's names; stays as long as the slide is open */
} sslp_slide_info;

typedef struct {
    uint32_t size;
    int32_t tile_width;  /* px; 0 where the reader does not know */
    int32_t tile_height;
    int32_t reserved;
    int64_t width;       /* px */
    int64_t height;
    double downsample;   /* level-0 pixels per pixel of this level */
} sslp_level_info;

/* reader: 0 whichever serves, 1 OpenSlide, 2 the embedded one. */
int32_t sslp_slide_open(sslp_context context, const char *path, int32_t reader, sslp_slide *slide);
int32_t sslp_slide_info_of(sslp_slide slide, sslp_slide_info *info);
int32_t sslp_slide_level(sslp_slide slide, int32_t level, sslp_level_info *info);

/* What a person should know of the slide; the text stays as long as the slide is open. */
int32_t sslp_slide_note(sslp_slide slide, int32_t index, const char **note);

/* rgb [height, width, 3], of rgb_bytes = 3 * width * height; x and y in pixels of the level, may be negative. Outside of the level is
   white. */
int32_t sslp_slide_read(sslp_slide slide, int32_t level, int64_t x, int64_t y, int32_t width, int32_t height, uint8_t *rgb,
                        int64_t rgb_bytes);

/* ---- Patches: what is cut from slides, or already cut ---- */

typedef struct {
    uint32_t size;
    int32_t patch;          /* side, px */
    double mpp;             /* micrometres per pixel of the patches */
    double min_tissue;      /* least share of a patch that is tissue, 0 to 1 */
    double assume_mpp;      /* of slides that do not say theirs; 0: such are left out */
    int32_t upsample;       /* 1: take slides that are coarser than mpp */
    int32_t tissue;         /* 0 auto, 1 stain, 2 density, 3 all */
    sslp_progress_function progress; /* told each slide; null: none */
    void *progress_user;
} sslp_tile_options;

typedef struct {
    uint32_t size;
    int32_t count;            /* N */
    int32_t patch_size;       /* P, px */
    int32_t slides;
    int32_t slides_left_out;  /* looked at and without a patch; each was told to the log */
    int32_t has_coordinates;
    double mpp;               /* 0 where nothing says it */
} sslp_patches_info;

/* The program's defaults: 256 px at 0.5 micrometres, half of it tissue. */
int32_t sslp_tile_options_init(sslp_tile_options *options, uint32_t size);

/* slides: a file, a folder, a pattern, or a text file that lists such. options may be null. One line of JSON a slide, the host's:
   sslp_text_free. deep: 1 decodes every tile. */
int32_t sslp_audit(sslp_context context, const char *slides, const sslp_tile_options *options, int32_t deep, char **json_lines);

/* Tissue and patch grid of slides. SSLP_ERROR_INPUT where no slide gives a patch. */
int32_t sslp_tile(sslp_context context, const char *slides, const sslp_tile_options *options, sslp_patches *patches);

/* slides_folder: where the slides are now, if they have moved; else null. */
int32_t sslp_patches_open_manifest(sslp_context context, const char *manifest, const char *slides_folder, sslp_patches *patches);

/* A folder of images that are cut already. mpp 0: unknown. */
int32_t sslp_patches_open_folder(sslp_context context, const char *folder, int32_t needs_coordinates, double mpp, sslp_patches *patches);

/* Writes the manifest of patches of slides. */
int32_t sslp_patches_save(sslp_patches patches, const char *manifest);
int32_t sslp_patches_info_of(sslp_patches patches, sslp_patches_info *info);

/* slide, col, row [count], count being N: each patch's slide and its place in that slide's grid. */
int32_t sslp_patches_places(sslp_patches patches, int32_t *slide, int32_t *col, int32_t *row, int64_t count);

/* Stays as long as the patches are open. */
int32_t sslp_patches_slide_name(sslp_patches patches, int32_t slide, const char **name);

/* rgb [P, P, 3], of rgb_bytes = 3 * P * P. */
int32_t sslp_patches_read(sslp_patches patches, int32_t patch, uint8_t *rgb, int64_t rgb_bytes);

/* ---- The loader: full batches in the order of training ---- */

typedef struct {
    uint32_t size;
    int32_t batch_size;      /* B; 64 */
    int32_t slots;           /* batches in memory, 2 to 64; 4 */
    int32_t threads;         /* that read and decode; 0: the context's */
    uint64_t seed;           /* with the epoch it fixes the order */
    int32_t run_length;      /* neighbours that stay together; 0: what the source is cheapest at, 1: a full permutation */
    int32_t window_runs;     /* runs that are mixed; 256 */
    int32_t balance_slides;  /* 1: every slide gives as many patches an epoch */
    int32_t reserved;
} sslp_loader_options;

typedef struct {
    uint32_t size;
    int32_t batch_size;        /* B, at most N */
    int32_t batches_per_epoch;
    int32_t patch_size;        /* P */
    int32_t slots;
    int32_t lent;              /* of the running epoch's, now */
    int64_t replaced;          /* patches so far that did not read and were replaced by others of their slide */
} sslp_loader_info;

typedef struct {
    uint32_t size;
    int32_t index;          /* within the epoch */
    int32_t count;          /* B */
    int32_t patch_size;     /* P */
    const uint8_t *pixels;  /* [B, P, P, 3] RGB, lent until sslp_loader_release */
    const int32_t *patches; /* [B] numbers of the patches that the pixels show, lent as long */
    int64_t token;          /* the loader's */
    const uint8_t *device_pixels; /* the same in device memory, after sslp_loader_upload; else null */
} sslp_batch;

int32_t sslp_loader_options_init(sslp_loader_options *options, uint32_t size);
int32_t sslp_loader_open(sslp_patches patches, const sslp_loader_options *options, sslp_loader *loader);
int32_t sslp_loader_info_of(sslp_loader loader, sslp_loader_info *info);

/* Begins an epoch at a batch. What is left of the one before is dropped; its lent batches stay. */
int32_t sslp_loader_start(sslp_loader loader, int32_t epoch, int32_t first_batch);

/* The next batch; waits until it is full. SSLP_END after the last of the epoch. SSLP_ERROR_BUSY where all slots are lent. */
int32_t sslp_loader_next(sslp_loader loader, sslp_batch *batch);

/* Gives a batch back, in any order; its slot is filled anew. */
int32_t sslp_loader_release(sslp_loader loader, const sslp_batch *batch);

/* Copies a lent batch to the device of a context with kernels 2, in the order of the stream, and sets batch->device_pixels: lent as long as
   the batch. The pixels lie in page-locked memory, unless the host brings an allocator, and are copied beside what the stream still does.
   A batch is uploaded in the order of one stream; another that reads it is made to wait for that one by the host. Giving the batch back
   waits for its copy, and not for the stream: the device memory is written again once that has passed all that it had by then. The stream
   lives until the batch is given back. */
int32_t sslp_loader_upload(sslp_loader loader, sslp_batch *batch, sslp_stream stream);

/* A lent batch as a DLPack tensor (DLManagedTensor of dlpack.h, 0.x): uint8 [B, P, P, 3] on the CPU, or on the CUDA device where it was
   uploaded. Its deleter gives the batch back, also after the loader was closed; sslp_loader_release is then not called. */
struct DLManagedTensor;
int32_t sslp_loader_dlpack(sslp_loader loader, const sslp_batch *batch, struct DLManagedTensor **tensor);

/* One line of JSON for each slide with patches that did not read: slide, failed, quarantined, first_reason. The host's: sslp_text_free. */
int32_t sslp_loader_faults(sslp_loader loader, char **json_lines);

/* ---- The memory bank ---- */

typedef struct {
    uint32_t size;
    int32_t rows;     /* N */
    int32_t width;    /* D */
    int32_t reserved;
    int64_t bytes;    /* that it holds: rows and packed panels */
} sslp_bank_info;

/* N unit rows of D floats in random directions, a function of the seed. */
int32_t sslp_bank_create(sslp_context context, int32_t rows, int32_t width, uint64_t seed, sslp_bank *bank);
int32_t sslp_bank_info_of(sslp_bank bank, sslp_bank_info *info);

/* values [rows, D], finite: replaces, or copies out, rows first_row and on, to the bit. */
int32_t sslp_bank_load(sslp_bank bank, int32_t first_row, const float *values, int32_t rows);
int32_t sslp_bank_save(sslp_bank bank, int32_t first_row, float *values, int32_t rows);

/* v <- unit((1 - momentum) v + momentum f) for each of rows [count] with features [count, D]. */
int32_t sslp_bank_update(sslp_bank bank, const int32_t *rows, const float *features, int32_t count, float momentum);

/* The k rows of largest inner product with each of queries [count, D], best first: rows and similarities [count, k]. own_rows: null, or
   [count] the row that each query leaves out (-1: none). Ties go to the lower row; threads and vector width change nothing. */
int32_t sslp_bank_search(sslp_bank bank, const float *queries, int32_t count, const int32_t *own_rows, int32_t k, int32_t *rows,
                         float *similarities);

/* The same on the device: queries, rows and similarities are device memory, own_rows is the host's. Waits for what the stream has and for
   the search, whose lists are looked at to be exact, but not for the answers. */
int32_t sslp_bank_search_on_device(sslp_bank bank, const float *queries, int32_t count, const int32_t *own_rows, int32_t k, int32_t *rows,
                                   float *similarities, sslp_stream stream);

/* sslp_bank_update on the device: features is device memory, rows is the host's and may be changed on return. Waits for nothing. Where a
   feature is not finite, this update and those behind it do nothing, and the next sslp_bank_save, _load or _update of this bank says so,
   once (SSLP_ERROR_USAGE). SSLP_ERROR_BUSY while a step of the bank is under way. */
int32_t sslp_bank_update_on_device(sslp_bank bank, const int32_t *rows, const float *features, int32_t count, float momentum,
                                   sslp_stream stream);

/* k-means of the rows, once for each of seeds [runs]: labels [runs, N]. */
int32_t sslp_bank_cluster(sslp_bank bank, int32_t clusters, int32_t iterations, const uint64_t *seeds, int32_t runs, int32_t *labels);

/* ---- Spatial neighbours and the three-term step ---- */

typedef struct {
    uint32_t size;
    int32_t spatial_sample;     /* members of S used in a step; 0: all */
    double temperature;         /* 0.07 */
    double radius_patches;      /* T; a distance of exactly T is outside */
    double pool_share;          /* of the bank that semi-hard negatives come from */
    int32_t auxiliary_anchors;
    int32_t nearest_keys;       /* K */
    int32_t negatives;          /* M */
    int32_t sampling;           /* 0 semi-hard, 1 random, 2 hardest */
    int32_t detach_negatives;   /* 1: no gradient through the negatives */
    int32_t reserved;
} sslp_step_options;

typedef struct {
    uint32_t size;
    int32_t reserved;
    uint64_t seed;         /* with step it fixes all draws */
    int64_t step;
    double self_weight;    /* of L_self; 1 */
    double intra_weight;   /* w(t) */
    double inter_weight;   /* w(t) */
} sslp_step_call;

typedef struct {
    uint32_t size;
    int32_t again;             /* 1: sslp_step_finish did the step once more, and the gradient was written anew */
    double loss;               /* the weighted sum of the three means */
    double self;
    double intra;
    double inter;
    double spatial_size;       /* means over the anchors of |S|, |F|, |Q| */
    double feature_size;
    double negative_size;
    double other_slide_share;  /* of F that lies on other slides than its anchor */
} sslp_step_result;

/* slide, col, row [count], copied: entry i is bank row i. */
int32_t sslp_spatial_open(sslp_context context, const int32_t *slide, const int32_t *col, const int32_t *row, int32_t count,
                          sslp_spatial *spatial);

/* Who lies nearer than radius_patches on the same slide: rows starts[a] to starts[a + 1] - 1 are anchor a's; starts [count + 1], rows
   [capacity]. *needed is set also where capacity is too small (SSLP_ERROR_SIZE). */
int32_t sslp_spatial_query(sslp_spatial spatial, const int32_t *anchors, int32_t count, double radius_patches, int64_t *starts,
                           int32_t *rows, int64_t capacity, int64_t *needed);

int32_t sslp_step_options_init(sslp_step_options *options, uint32_t size);

/* The bank is read by a step and never written; both stay open as long as the step. */
int32_t sslp_step_open(sslp_bank bank, sslp_spatial spatial, const sslp_step_options *options, sslp_step *step);

/* labels [runs, N]: rows are of one cluster where all runs agree. Until the first call F is empty. */
int32_t sslp_step_set_clusters(sslp_step step, const int32_t *labels, int32_t runs);

/* features f [count, D] of the anchors [count]; gradient dL/df [count, D] is written; L is a mean over the batch. */
int32_t sslp_step_run(sslp_step step, const int32_t *anchors, const float *features, int32_t count, const sslp_step_call *call,
                      float *gradient, sslp_step_result *result);

/* The same on the device, begun: features and gradient are device memory, anchors is the host's and may be changed on return. Waits for
   nothing. The step is then under way until sslp_step_finish, before which features and gradient stay, and neither this step is run or
   given clusters nor its bank written. */
int32_t sslp_step_enqueue(sslp_step step, const int32_t *anchors, const float *features, int32_t count, const sslp_step_call *call,
                          float *gradient, sslp_stream stream);

/* Waits for the step that is under way, not for what the stream has behind it. A step keeps lists of candidates whose length is estimated:
   where one had no room or did not reach far enough, as may be in the first steps, the step is done once more in the order of the same
   stream, waited for, and result->again is 1. What the stream computed from the gradient before is then wrong, and the host does it
   again. SSLP_ERROR_USAGE where a feature is not finite: the gradient is of no use. */
int32_t sslp_step_finish(sslp_step step, sslp_step_result *result);

/* ---- In libsslp only: training and embedding ---- */

typedef struct {
    uint32_t size;
    int32_t batch_size;       /* B */
    int32_t steps_done;       /* those before a resume included */
    int32_t total_steps;
    int32_t steps_per_epoch;
    int32_t resumed;          /* 1 where a checkpoint was gone on from */
} sslp_trainer_info;

typedef struct {
    uint32_t size;
    int32_t step;                 /* steps done, from 1 */
    int32_t total_steps;
    int32_t reserved;
    double epoch;
    double loss;
    double self;
    double intra;
    double inter;
    double gradient_norm;
    double ramp;                  /* w(t) */
    double learning_rate;
    double patches_per_second;    /* over the time since the step before, the host's own included */
    double data_wait;             /* share of it that the step waited for patches */
    double spatial_size;          /* mean |S|, |F|, |Q| */
    double feature_size;
    double negative_size;
    int64_t replaced_patches;     /* so far: did not read, another of the slide in their place */
} sslp_metrics;

typedef struct {
    uint32_t size;
    int32_t width;         /* numbers of a feature: 512 for ResNet-18 */
    int32_t input_size;    /* of the network, px */
    int32_t patch_size;    /* that it was trained on, px */
    double mpp;            /* of those; 0 where its file does not say */
} sslp_encoder_info;

/* Told each step on the calling thread. Returns 0 to go on; other than 0 ends the run after a checkpoint (SSLP_ERROR_CALLBACK). */
typedef int32_t (*sslp_metrics_function)(void *user, const sslp_metrics *metrics);

/* A pretraining run in a folder: run.json, metrics.jsonl, checkpoints, encoder.safetensors, as sslp pretrain writes them, and to the bit
   the same losses. options: lines of key=value, the keys of sslp pretrain --options; null: defaults. resume 1: goes on from the folder's
   newest checkpoint where it has one. Threads, kernels and libtorch are the context's where no line says them. */
int32_t sslp_trainer_open(sslp_patches patches, const char *folder, const char *options, int32_t resume, sslp_trainer *trainer);
int32_t sslp_trainer_info_of(sslp_trainer trainer, sslp_trainer_info *info);

/* One step. SSLP_END where none was left: the last checkpoint and the encoder are then written. */
int32_t sslp_trainer_step(sslp_trainer trainer, sslp_metrics *metrics);

/* All steps that are left. progress may be null. */
int32_t sslp_trainer_run(sslp_trainer trainer, sslp_metrics_function progress, void *user);

/* Writes a checkpoint and the encoder as they are now; the next step goes on. Closing a trainer does the same. */
int32_t sslp_trainer_checkpoint(sslp_trainer trainer);

/* Writes the encoder as it is now: safetensors by torchvision's names. */
int32_t sslp_trainer_export(sslp_trainer trainer, const char *path);

int32_t sslp_encoder_open(sslp_context context, const char *path, sslp_encoder *encoder);
int32_t sslp_encoder_info_of(sslp_encoder encoder, sslp_encoder_info *info);

/* features [count, width] of patches which [count], each put through the encoder's own preprocessing. *unread: those that did not read;
   their rows are NaN. */
int32_t sslp_embed(sslp_encoder encoder, sslp_patches patches, const int32_t *which, int32_t count, float *features, int32_t *unread);

/* The same of the host's pixels rgb [count, patch_size, patch_size, 3]. */
int32_t sslp_embed_pixels(sslp_encoder encoder, const uint8_t *rgb, int32_t count, int32_t patch_size, float *features);

/* An encoder file as ONNX: pixels in, features out. */
int32_t sslp_export_onnx(sslp_context context, const char *encoder, const char *path);

#ifdef __cplusplus
}
#endif

#endif
