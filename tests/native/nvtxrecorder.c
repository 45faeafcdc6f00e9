/*
 * A tool of NVTX 3 as a profiler is one: it asks for the tables of functions and writes its own into them. What ranges it is told of it
 * keeps as lines, which tests read back. Built with -DREFUSES it takes the tables and then says that it does not start. Beyond 256 strings
 * it registers none, as a tool may. Where NVTXRECORDER_OUT names a file, the lines are written there when the process ends.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint16_t version, size;
    uint32_t category;
    int32_t color_type;
    uint32_t color;
    int32_t payload_type, reserved;
    uint64_t payload;
    int32_t message_type;
    union { const char *ascii; void *registered; } message;
} attributes;

typedef void (*function)(void);

typedef struct {
    size_t struct_size;
    int (*get_module_function_table)(int module, function ***table, unsigned *size);
} callbacks;

typedef struct {
    size_t struct_size;
    uint32_t version, reserved;
    void (*set_injection_version)(uint32_t version);
} version_info;

enum { LOG_BYTES = 1 << 22, CALLBACKS = 1, VERSION = 3, CORE2 = 5, PUSH = 4, POP = 5, REGISTER = 10, CREATE = 12, DOMAIN = 0xD0 };

static char record[LOG_BYTES];
static size_t recorded;
static int threads;
static __thread int thread, depth;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* This thread's number, from 1 in the order in which they first came. */
static int who(void)
{
    pthread_mutex_lock(&gate);
    if (!thread)
        thread = ++threads;
    pthread_mutex_unlock(&gate);
    return thread;
}

static void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&gate);
    if (recorded < LOG_BYTES - 4096)
        recorded += (size_t)vsnprintf(record + recorded, 4096, format, arguments);
    pthread_mutex_unlock(&gate);
    va_end(arguments);
}

const char *nvtxrecorder_record(void) { return record; }

void nvtxrecorder_forget(void)
{
    pthread_mutex_lock(&gate);
    recorded = 0;
    record[0] = 0;
    pthread_mutex_unlock(&gate);
}

__attribute__((destructor)) static void save(void)
{
    const char *path = getenv("NVTXRECORDER_OUT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fwrite(record, 1, recorded, file);
        fclose(file);
    }
}

static void *create(const char *name)
{
    note("domain %s\n", name);
    return (void *)(uintptr_t)DOMAIN;
}

static const char *strings[256];
static int string_count;

static void *register_string(void *domain, const char *text)
{
    if (string_count == (int)(sizeof strings / sizeof *strings))
        return NULL;
    strings[string_count] = text;
    note("string %s domain=%zx\n", text, (size_t)domain);
    return (void *)&strings[string_count++];
}

static int push(void *domain, const attributes *a)
{
    const char *text = a->message_type == 3 ? *(const char **)a->message.registered : a->message_type == 1 ? a->message.ascii : "?";
    note("push %s bytes=%llu depth=%d thread=%d domain=%zx version=%d size=%d color=%08x types=%d%d%d\n", text,
         (unsigned long long)a->payload, depth, who(), (size_t)domain, a->version, a->size - (int)sizeof(attributes), a->color,
         a->color_type, a->payload_type, a->message_type);
    return depth++;
}

static int pop(void *domain)
{
    depth--;
    note("pop depth=%d thread=%d domain=%zx\n", depth, who(), (size_t)domain);
    return depth;
}

int InitializeInjectionNvtx2(const void *(*get_export_table)(uint32_t id))
{
    const callbacks *exported = get_export_table(CALLBACKS);
    const version_info *version = get_export_table(VERSION);
    function **table;
    unsigned size;
    if (!exported || exported->struct_size < sizeof(callbacks) || !version || version->version != 3 || get_export_table(2))
        return 0;
    version->set_injection_version(3);
    if (exported->get_module_function_table(0, &table, &size) || exported->get_module_function_table(7, &table, &size))
        return 0;
    /* Every module's table is as long as it says, begins with nothing and ends in nothing. */
    for (int module = 1; module <= 6; module++) {
        if (!exported->get_module_function_table(module, &table, &size) || table[0] || table[size])
            return 0;
        for (unsigned i = 1; i < size; i++)
            if (!table[i])
                return 0;
    }
    if (!exported->get_module_function_table(CORE2, &table, &size) || size != 16)
        return 0;
    *table[CREATE] = (function)create;
    *table[REGISTER] = (function)register_string;
    *table[PUSH] = (function)push;
    *table[POP] = (function)pop;
#ifdef REFUSES
    return 0;
#else
    return 1;
#endif
}
