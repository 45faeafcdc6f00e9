using System.Runtime.InteropServices;

namespace SSLP.Interop.Slides.Jpeg2000;

/// <summary>openjpeg.h, what decoding an image in memory needs and every version since 2.1 exports.</summary>
internal static unsafe partial class NativeOpenJpeg
{
    public const int OPJ_CODEC_J2K = 0;
    public const int OPJ_PATH_LEN = 4096;

    private const string Library = NativeLibraries.OpenJpeg;

    static NativeOpenJpeg() => NativeLibraries.Install();

    [StructLayout(LayoutKind.Sequential)]
    public struct opj_dparameters_t
    {
        public uint cp_reduce;
        public uint cp_layer;
        public fixed byte infile[OPJ_PATH_LEN];
        public fixed byte outfile[OPJ_PATH_LEN];
        public int decod_format;
        public int cod_format;
        public uint DA_x0;
        public uint DA_x1;
        public uint DA_y0;
        public uint DA_y1;
        public int m_verbose;
        public uint tile_index;
        public uint nb_tile_to_decode;
        public int jpwl_correct;
        public int jpwl_exp_comps;
        public int jpwl_max_tiles;
        public uint flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct opj_image_comp_t
    {
        public uint dx;
        public uint dy;
        public uint w;
        public uint h;
        public uint x0;
        public uint y0;
        public uint prec;
        public uint bpp;
        public uint sgnd;
        public uint resno_decoded;
        public uint factor;
        public int* data;
        public ushort alpha;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct opj_image_t
    {
        public uint x0;
        public uint y0;
        public uint x1;
        public uint y1;
        public uint numcomps;
        public int color_space;
        public opj_image_comp_t* comps;
        public byte* icc_profile_buf;
        public uint icc_profile_len;
    }

    [LibraryImport(Library)]
    public static partial byte* opj_version();

    [LibraryImport(Library)]
    public static partial void opj_image_destroy(opj_image_t* image);

    [LibraryImport(Library)]
    public static partial nint opj_stream_create(nuint p_buffer_size, int p_is_input);

    [LibraryImport(Library)]
    public static partial void opj_stream_destroy(nint p_stream);

    [LibraryImport(Library)]
    public static partial void opj_stream_set_read_function(
        nint p_stream, delegate* unmanaged[Cdecl]<void*, nuint, void*, nuint> p_function);

    [LibraryImport(Library)]
    public static partial void opj_stream_set_skip_function(nint p_stream, delegate* unmanaged[Cdecl]<long, void*, long> p_function);

    [LibraryImport(Library)]
    public static partial void opj_stream_set_seek_function(nint p_stream, delegate* unmanaged[Cdecl]<long, void*, int> p_function);

    [LibraryImport(Library)]
    public static partial void opj_stream_set_user_data(nint p_stream, void* p_data, nint p_function);

    [LibraryImport(Library)]
    public static partial void opj_stream_set_user_data_length(nint p_stream, ulong data_length);

    [LibraryImport(Library)]
    public static partial int opj_set_error_handler(
        nint p_codec, delegate* unmanaged[Cdecl]<byte*, void*, void> p_callback, void* p_user_data);

    [LibraryImport(Library)]
    public static partial nint opj_create_decompress(int format);

    [LibraryImport(Library)]
    public static partial void opj_destroy_codec(nint p_codec);

    [LibraryImport(Library)]
    public static partial int opj_end_decompress(nint p_codec, nint p_stream);

    [LibraryImport(Library)]
    public static partial void opj_set_default_decoder_parameters(opj_dparameters_t* parameters);

    [LibraryImport(Library)]
    public static partial int opj_setup_decoder(nint p_codec, opj_dparameters_t* parameters);

    [LibraryImport(Library)]
    public static partial int opj_read_header(nint p_stream, nint p_codec, opj_image_t** p_image);

    [LibraryImport(Library)]
    public static partial int opj_decode(nint p_decompressor, nint p_stream, opj_image_t* image);
}
