using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace SSLP.Interop.Slides.Jpeg2000;

/// <summary>
/// libopenjp2: the machine's own, or the one inside of Magick.NET's native library where that exports it (Linux, macOS).
/// A codec serves one stream, so each tile makes its own; nothing managed is allocated for it.
/// </summary>
internal sealed unsafe class OpenJpegDecoder : Jpeg2000Decoder
{
    private const int MessageBytes = 240;

    public static bool IsSupported => NativeLibraries.IsPresent(NativeLibraries.OpenJpeg);

    public override string Name => $"OpenJPEG {Marshal.PtrToStringUTF8((nint)NativeOpenJpeg.opj_version())}";

    private protected override string? Decode(ReadOnlySpan<byte> codestream, in Jpeg2000Header header, in Jpeg2000Rows rows)
    {
        int halvings = Math.Min(rows.Halvings, header.Halvings);
        var source = new Source { Length = codestream.Length };
        nint stream = 0, codec = 0;
        NativeOpenJpeg.opj_image_t* image = null;
        fixed (byte* bytes = codestream)
        {
            source.Bytes = bytes;
            try
            {
                stream = OpenStream(&source);
                codec = NativeOpenJpeg.opj_create_decompress(NativeOpenJpeg.OPJ_CODEC_J2K);
                if (stream == 0 || codec == 0)
                    throw new OutOfMemoryException("OpenJPEG could not make a decoder.");
                Setup(codec, &source, halvings);
                bool read = NativeOpenJpeg.opj_read_header(stream, codec, &image) != 0
                    && NativeOpenJpeg.opj_decode(codec, stream, image) != 0
                    && NativeOpenJpeg.opj_end_decompress(codec, stream) != 0;
                return read ? Write(Planes(image), halvings, header, rows) : source.Fault;
            }
            finally
            {
                if (image != null)
                    NativeOpenJpeg.opj_image_destroy(image);
                if (codec != 0)
                    NativeOpenJpeg.opj_destroy_codec(codec);
                if (stream != 0)
                    NativeOpenJpeg.opj_stream_destroy(stream);
            }
        }
    }

    private static nint OpenStream(Source* source)
    {
        // One buffer of the stream's size: read at once, and no megabyte for each tile.
        nint stream = NativeOpenJpeg.opj_stream_create((nuint)Math.Max(source->Length, 64), 1);
        if (stream == 0)
            return 0;
        NativeOpenJpeg.opj_stream_set_read_function(stream, &Read);
        NativeOpenJpeg.opj_stream_set_skip_function(stream, &Skip);
        NativeOpenJpeg.opj_stream_set_seek_function(stream, &Seek);
        NativeOpenJpeg.opj_stream_set_user_data(stream, source, 0);
        NativeOpenJpeg.opj_stream_set_user_data_length(stream, (ulong)source->Length);
        return stream;
    }

    [SkipLocalsInit]
    private static void Setup(nint codec, Source* source, int halvings)
    {
        NativeOpenJpeg.opj_set_error_handler(codec, &Keep, source);
        NativeOpenJpeg.opj_dparameters_t parameters;
        NativeOpenJpeg.opj_set_default_decoder_parameters(&parameters);
        parameters.cp_reduce = (uint)halvings;
        NativeOpenJpeg.opj_setup_decoder(codec, &parameters);
    }

    private static Jpeg2000Planes Planes(NativeOpenJpeg.opj_image_t* image)
    {
        var planes = new Jpeg2000Planes();
        for (int i = 0; i < 3; i++)
        {
            ref NativeOpenJpeg.opj_image_comp_t component = ref image->comps[Math.Min(i, (int)image->numcomps - 1)];
            planes[i] = new Jpeg2000Plane(component.data, (int)component.w, (int)component.h);
        }
        return planes;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint Read(void* buffer, nuint bytes, void* user)
    {
        var source = (Source*)user;
        long count = Math.Min((long)Math.Min(bytes, int.MaxValue), source->Length - source->Position);
        if (count <= 0)
            return nuint.MaxValue;
        Buffer.MemoryCopy(source->Bytes + source->Position, buffer, (long)bytes, count);
        source->Position += count;
        return (nuint)count;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long Skip(long bytes, void* user)
    {
        var source = (Source*)user;
        if (bytes < 0 || bytes > source->Length - source->Position)
            return -1;
        source->Position += bytes;
        return bytes;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Seek(long position, void* user)
    {
        var source = (Source*)user;
        if (position < 0 || position > source->Length)
            return 0;
        source->Position = position;
        return 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Keep(byte* message, void* user)
    {
        var source = (Source*)user;
        // The first is the cause; what follows is what came of it.
        while (source->MessageLength == 0 && message != null && *message != 0)
        {
            int length = 0;
            while (length < MessageBytes && message[length] is not (0 or (byte)'\n'))
            {
                source->Message[length] = message[length];
                length++;
            }
            source->MessageLength = length;
            return;
        }
    }

    /// <summary>A stream in memory, and the first error that came of reading it.</summary>
    private struct Source
    {
        public byte* Bytes;
        public long Length;
        public long Position;
        public int MessageLength;
        public fixed byte Message[MessageBytes];

        public readonly string Fault
        {
            get
            {
                fixed (byte* message = Message)
                    return MessageLength == 0 ? "the JPEG 2000 stream is damaged" : Encoding.UTF8.GetString(message, MessageLength).Trim();
            }
        }
    }
}
