using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Interop.Slides;
using Xunit;

namespace SSLP.Interop.Tests.Slides;

/// <summary>How a tile is encoded.</summary>
/// <param name="Reversible">5/3 wavelet and reversible component transform, lossless where <paramref name="Rate"/> is 0; else 9/7.</param>
/// <param name="Decorrelate">Whether the components are decorrelated inside of the stream, as RGB is.</param>
/// <param name="Resolutions">Resolutions stored, 1 for the full size only.</param>
/// <param name="Rate">Compression ratio; 0 for all bits.</param>
/// <param name="Across">Columns to a sample of the second and third component.</param>
/// <param name="Down">Rows to one.</param>
/// <param name="Block">Side of a code block.</param>
/// <param name="Layers">Quality layers.</param>
/// <param name="Bands">Components.</param>
internal sealed record Jpeg2000Options(
    bool Reversible = true, bool Decorrelate = true, int Resolutions = 6, float Rate = 0, int Across = 1, int Down = 1, int Block = 64,
        int Layers = 1,
    int Bands = 3);

/// <summary>The encoder of the OpenJPEG that decodes the tiles.</summary>
internal static unsafe class Jpeg2000Encoder
{
    // Offsets into opj_cparameters_t (openjpeg.h 2.x), on 64 bits.
    private const int Bytes = 18720, Disto = 20, Layers = 4796, Rates = 4800, Resolutions = 5600, BlockWidth = 5604, BlockHeight = 5608,
        Irreversible = 5616, Mct = 18698;

    public static void Require() =>
        Assert.SkipUnless(NativeLibraries.IsPresent(NativeLibraries.OpenJpeg),
            "OpenJPEG is not on this machine (Debian, Ubuntu: apt install libopenjp2-7).");

    /// <summary>A codestream of 8-bit components.</summary>
    /// <param name="component">The sample of a component (0 to 2) at a column and row of that component.</param>
    public static byte[] Encode(int width, int height, Jpeg2000Options options, Func<int, int, int, int> component)
    {
        var target = new Target { Bytes = [], Position = 0 };
        var user = GCHandle.Alloc(target);
        nint codec = ((delegate* unmanaged[Cdecl]<int, nint>)Export("opj_create_compress"))(0);
        nint stream = ((delegate* unmanaged[Cdecl]<nuint, int, nint>)Export("opj_stream_create"))(1 << 16, 0);
        nint image = Image(width, height, options, component);
        byte* parameters = (byte*)NativeMemory.AllocZeroed(Bytes);
        try
        {
            ((delegate* unmanaged[Cdecl]<byte*, void>)Export("opj_set_default_encoder_parameters"))(parameters);
            *(int*)(parameters + Disto) = 1;
            *(int*)(parameters + Layers) = options.Layers;
            for (int layer = 0; layer < options.Layers; layer++)
                ((float*)(parameters + Rates))[layer] = options.Rate * (options.Layers - layer);
            *(int*)(parameters + Resolutions) = options.Resolutions;
            *(int*)(parameters + BlockWidth) = *(int*)(parameters + BlockHeight) = options.Block;
            *(int*)(parameters + Irreversible) = options.Reversible ? 0 : 1;
            parameters[Mct] = (byte)(options.Decorrelate ? 1 : 0);
            ((delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<void*, nuint, void*, nuint>,
                void>)Export("opj_stream_set_write_function"))(stream, &Write);
            ((delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<long, void*, int>,
                void>)Export("opj_stream_set_seek_function"))(stream, &Seek);
            ((delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<long, void*, long>,
                void>)Export("opj_stream_set_skip_function"))(stream, &Skip);
            ((delegate* unmanaged[Cdecl]<nint, nint, nint, void>)Export("opj_stream_set_user_data"))(stream, GCHandle.ToIntPtr(user), 0);
            bool encoded = ((delegate* unmanaged[Cdecl]<nint, byte*, nint, int>)Export("opj_setup_encoder"))(codec, parameters, image) != 0
                && ((delegate* unmanaged[Cdecl]<nint, nint, nint, int>)Export("opj_start_compress"))(codec, image, stream) != 0
                && ((delegate* unmanaged[Cdecl]<nint, nint, int>)Export("opj_encode"))(codec, stream) != 0
                && ((delegate* unmanaged[Cdecl]<nint, nint, int>)Export("opj_end_compress"))(codec, stream) != 0;
            Assert.True(encoded, "OpenJPEG could not encode the fixture.");
        }
        finally
        {
            NativeMemory.Free(parameters);
            ((delegate* unmanaged[Cdecl]<nint, void>)Export("opj_image_destroy"))(image);
            ((delegate* unmanaged[Cdecl]<nint, void>)Export("opj_destroy_codec"))(codec);
            ((delegate* unmanaged[Cdecl]<nint, void>)Export("opj_stream_destroy"))(stream);
            user.Free();
        }
        return [.. target.Bytes];
    }

    private static nint Image(int width, int height, Jpeg2000Options options, Func<int, int, int, int> component)
    {
        // opj_image_cmptparm_t: dx, dy, w, h, x0, y0, prec, bpp, sgnd.
        uint* parameters = stackalloc uint[27];
        for (int i = 0; i < options.Bands; i++)
        {
            int across = i == 0 ? 1 : options.Across, down = i == 0 ? 1 : options.Down;
            uint[] one = [(uint)across, (uint)down, (uint)((width + across - 1) / across), (uint)((height + down - 1) / down), 0, 0, 8,
                8, 0];
            one.CopyTo(new Span<uint>(parameters + (9 * i), 9));
        }
        nint image = ((delegate* unmanaged[Cdecl]<uint, uint*, int, nint>)Export("opj_image_create"))((uint)options.Bands, parameters, 1);
        ((uint*)image)[2] = (uint)width;
        ((uint*)image)[3] = (uint)height;
        byte* components = ((byte**)image)[3];
        for (int i = 0; i < options.Bands; i++)
        {
            uint* own = (uint*)(components + (64 * i));
            int* data = *(int**)(components + (64 * i) + 48);
            for (int y = 0; y < own[3]; y++)
            {
                for (int x = 0; x < own[2]; x++)
                    data[(y * (int)own[2]) + x] = component(i, x, y);
            }
        }
        return image;
    }

    private static void* Export(string name) => (void*)NativeLibrary.GetExport(NativeLibraries.Handle(NativeLibraries.OpenJpeg), name);

    private sealed class Target
    {
        public required List<byte> Bytes { get; init; }

        public required int Position { get; set; }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint Write(void* buffer, nuint count, void* user)
    {
        var target = (Target)GCHandle.FromIntPtr((nint)user).Target!;
        for (int i = 0; i < (int)count; i++, target.Position++)
        {
            if (target.Position < target.Bytes.Count)
                target.Bytes[target.Position] = ((byte*)buffer)[i];
            else
                target.Bytes.Add(((byte*)buffer)[i]);
        }
        return count;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Seek(long position, void* user)
    {
        ((Target)GCHandle.FromIntPtr((nint)user).Target!).Position = (int)position;
        return 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static long Skip(long count, void* user)
    {
        ((Target)GCHandle.FromIntPtr((nint)user).Target!).Position += (int)count;
        return count;
    }
}
