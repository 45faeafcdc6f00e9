using System.Runtime.InteropServices;
using Xunit;

namespace SSLP.Native.Tests.Hosts;

/// <summary>A host in this process: the exported functions called as C would call them, through their addresses.</summary>
internal static unsafe class Host
{
    private static readonly delegate* unmanaged[Cdecl]<SslpContextOptions*, uint, int> InitContext = &LibraryExports.ContextOptionsInit;
    private static readonly delegate* unmanaged[Cdecl]<SslpContextOptions*, nint*, int> OpenContext = &LibraryExports.ContextOpen;
    private static readonly delegate* unmanaged[Cdecl]<nint, int> CloseHandle = &LibraryExports.Close;
    private static readonly delegate* unmanaged[Cdecl]<nint, int> CancelHandle = &LibraryExports.Cancel;
    private static readonly delegate* unmanaged[Cdecl]<SslpFault*, int> FaultOf = &LibraryExports.LastFaultOf;
    private static readonly delegate* unmanaged[Cdecl]<nint, int, int, ulong, nint*, int> CreateBank = &BankExports.Create;
    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, SslpTileOptions*, nint*, int> TileSlides = &PatchExports.Tile;
    private static readonly delegate* unmanaged[Cdecl]<SslpTileOptions*, uint, int> InitTile = &PatchExports.TileOptionsInit;
    private static readonly delegate* unmanaged[Cdecl]<SslpLoaderOptions*, uint, int> InitLoader = &LoaderExports.OptionsInit;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpLoaderOptions*, nint*, int> OpenLoader = &LoaderExports.Open;

    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, byte*, int, nint*, int> OpenTrainer = &TrainingExports.Open;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpMetrics*, int> StepTrainer = &TrainingExports.Step;

    public static SslpContextOptions ContextOptions()
    {
        SslpContextOptions options;
        Assert.Equal(0, InitContext(&options, (uint)sizeof(SslpContextOptions)));
        options.Threads = 2;
        return options;
    }

    public static int Open(SslpContextOptions options, out nint context)
    {
        nint opened = 0;
        int status = OpenContext(&options, &opened);
        context = opened;
        return status;
    }

    public static nint Context()
    {
        Assert.Equal(0, Open(ContextOptions(), out nint context));
        return context;
    }

    public static nint Bank(nint context, int rows, int width, ulong seed = 1)
    {
        nint bank;
        Succeeded(CreateBank(context, rows, width, seed, &bank));
        return bank;
    }

    public static SslpTileOptions TileOptions()
    {
        SslpTileOptions options;
        Succeeded(InitTile(&options, (uint)sizeof(SslpTileOptions)));
        (options.Patch, options.Tissue) = (64, 3);
        return options;
    }

    public static int Tile(nint context, string slides, SslpTileOptions options, out nint patches)
    {
        nint tiled = 0;
        int status = TileSlides(context, Text(slides), &options, &tiled);
        patches = tiled;
        return status;
    }

    public static nint Loader(nint patches, int batch, int slots = 2)
    {
        SslpLoaderOptions options;
        Succeeded(InitLoader(&options, (uint)sizeof(SslpLoaderOptions)));
        (options.BatchSize, options.Slots, options.Threads) = (batch, slots, 2);
        nint loader;
        Succeeded(OpenLoader(patches, &options, &loader));
        return loader;
    }

    /// <summary>Trains to the end, a step a call; the losses.</summary>
    public static double[] Train(nint patches, string folder, string options)
    {
        nint trainer;
        Succeeded(OpenTrainer(patches, Text(folder), Text(options), 0, &trainer));
        var losses = new List<double>();
        var metrics = new SslpMetrics { Size = (uint)sizeof(SslpMetrics) };
        int status;
        for (status = StepTrainer(trainer, &metrics); status == 0; status = StepTrainer(trainer, &metrics))
            losses.Add(metrics.Loss);
        Succeeded(status);
        Succeeded(Close(trainer));
        return [.. losses];
    }

    public static int Close(nint handle) => CloseHandle(handle);

    public static int Cancel(nint handle) => CancelHandle(handle);

    /// <summary>The thread's last sentence.</summary>
    public static string Sentence()
    {
        var fault = new SslpFault { Size = (uint)sizeof(SslpFault) };
        Assert.Equal(0, FaultOf(&fault));
        return Marshal.PtrToStringUTF8((nint)fault.Sentence) ?? "";
    }

    public static void Succeeded(int status) => Assert.True(status >= 0, $"status {status}: {(status < 0 ? Sentence() : "")}");

    /// <summary>A call that is refused, with a sentence that says why.</summary>
    public static void Refused(Status expected, string part, int status)
    {
        string sentence = Sentence();
        Assert.True((Status)status == expected, $"{(Status)status}, not {expected}: {sentence}");
        Assert.Contains(part, sentence, StringComparison.Ordinal);
        Assert.Matches("[.?]$", sentence);
    }

    /// <summary>Text as C has it; it stays until the process ends.</summary>
    public static byte* Text(string text) => (byte*)Marshal.StringToCoTaskMemUTF8(text);
}
