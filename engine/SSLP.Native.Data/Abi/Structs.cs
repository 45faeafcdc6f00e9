using System.Runtime.InteropServices;

namespace SSLP.Native;

// One struct for each of sslp.h, in its order and with its names: a test compares every size and offset with what a C compiler says of
// the header.
#pragma warning disable CS0649 // Fields that the host fills.

/// <summary>sslp_fault.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SslpFault
{
    public uint Size;
    public int Status;
    public byte* Sentence;
    public byte* Detail;
}

/// <summary>sslp_context_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SslpContextOptions
{
    public uint Size;
    public int AbiVersion;
    public int Threads;
    public int Kernels;
    public long TileCacheBytes;
    public byte* Libtorch;
    public delegate* unmanaged[Cdecl]<void*, int, byte*, void> Log;
    public void* LogUser;
    public delegate* unmanaged[Cdecl]<void*, nuint, nuint, void*> Allocate;
    public delegate* unmanaged[Cdecl]<void*, void*, void> Release;
    public void* MemoryUser;
    public delegate* unmanaged[Cdecl]<void*, int, delegate* unmanaged[Cdecl]<void*, int, int, void>, void*, int> ParallelFor;
    public void* ParallelUser;
    public int Device;
    public int Scores;
}

/// <summary>sslp_slide_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SslpSlideInfo
{
    public uint Size;
    public int Levels;
    public long Width;
    public long Height;
    public double MppX;
    public double MppY;
    public int Reader;
    public int Notes;
    public byte* Format;
}

/// <summary>sslp_level_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpLevelInfo
{
    public uint Size;
    public int TileWidth;
    public int TileHeight;
    public int Reserved;
    public long Width;
    public long Height;
    public double Downsample;
}

/// <summary>sslp_tile_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SslpTileOptions
{
    public uint Size;
    public int Patch;
    public double Mpp;
    public double MinTissue;
    public double AssumeMpp;
    public int Upsample;
    public int Tissue;
    public delegate* unmanaged[Cdecl]<void*, long, long, byte*, int> Progress;
    public void* ProgressUser;
}

/// <summary>sslp_patches_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpPatchesInfo
{
    public uint Size;
    public int Count;
    public int PatchSize;
    public int Slides;
    public int SlidesLeftOut;
    public int HasCoordinates;
    public double Mpp;
}

/// <summary>sslp_loader_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpLoaderOptions
{
    public uint Size;
    public int BatchSize;
    public int Slots;
    public int Threads;
    public ulong Seed;
    public int RunLength;
    public int WindowRuns;
    public int BalanceSlides;
    public int Reserved;
}

/// <summary>sslp_loader_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpLoaderInfo
{
    public uint Size;
    public int BatchSize;
    public int BatchesPerEpoch;
    public int PatchSize;
    public int Slots;
    public int Lent;
    public long Replaced;
}

/// <summary>sslp_batch.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SslpBatch
{
    public uint Size;
    public int Index;
    public int Count;
    public int PatchSize;
    public byte* Pixels;
    public int* Patches;
    public long Token;
    public byte* DevicePixels;
}

/// <summary>sslp_bank_info.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpBankInfo
{
    public uint Size;
    public int Rows;
    public int Width;
    public int Reserved;
    public long Bytes;
}

/// <summary>sslp_step_options.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpStepOptions
{
    public uint Size;
    public int SpatialSample;
    public double Temperature;
    public double RadiusPatches;
    public double PoolShare;
    public int AuxiliaryAnchors;
    public int NearestKeys;
    public int Negatives;
    public int Sampling;
    public int DetachNegatives;
    public int Reserved;
}

/// <summary>sslp_step_call.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpStepCall
{
    public uint Size;
    public int Reserved;
    public ulong Seed;
    public long Step;
    public double SelfWeight;
    public double IntraWeight;
    public double InterWeight;
}

/// <summary>sslp_step_result.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SslpStepResult
{
    public uint Size;
    public int Again;
    public double Loss;
    public double Self;
    public double Intra;
    public double Inter;
    public double SpatialSize;
    public double FeatureSize;
    public double NegativeSize;
    public double OtherSlideShare;
}
