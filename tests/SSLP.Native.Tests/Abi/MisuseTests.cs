using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SSLP.Native.Tests.Hosts;
using SSLP.Tests.Shared;
using Xunit;

namespace SSLP.Native.Tests.Abi;

/// <summary>Whatever a host does wrong, it gets a status and a sentence.</summary>
public sealed unsafe class MisuseTests : IDisposable
{
    private static readonly delegate* unmanaged[Cdecl]<nint, float*, int, int*, int, int*, float*, int> Search = &BankExports.Search;
    private static readonly delegate* unmanaged[Cdecl]<nint, int*, float*, int, float, int> Update = &BankExports.Update;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpBankInfo*, int> BankInfo = &BankExports.Info;
    private static readonly delegate* unmanaged[Cdecl]<nint, int, float*, int, int> LoadRows = &BankExports.Load;
    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, int, nint*, int> OpenSlide = &SlideExports.Open;
    private static readonly delegate* unmanaged[Cdecl]<nint, int, long, long, int, int, byte*, long, int> ReadSlide = &SlideExports.Read;
    private static readonly delegate* unmanaged[Cdecl]<nint, int, byte*, long, int> ReadPatch = &PatchExports.Read;
    private static readonly delegate* unmanaged[Cdecl]<nint, int, int, int> Start = &LoaderExports.Start;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpBatch*, int> Next = &LoaderExports.Next;
    private static readonly delegate* unmanaged[Cdecl]<nint, SslpBatch*, int> GiveBack = &LoaderExports.Release;
    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, int> FreeText = &LibraryExports.TextFree;
    private static readonly delegate* unmanaged[Cdecl]<nint, byte**, int> Describe = &LibraryExports.Describe;

    private readonly string _folder = Directory.CreateTempSubdirectory("sslp-misuse").FullName;
    private readonly nint _context = Host.Context();

    public void Dispose()
    {
        Host.Succeeded(Host.Close(_context));
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_null_handle_is_named()
    {
        SslpBankInfo info = Sized<SslpBankInfo>();
        Host.Refused(Status.Handle, "The bank is null", BankInfo(0, &info));
        Assert.Equal(0, Host.Close(0));
        Host.Refused(Status.Handle, "is null", Host.Cancel(0));
    }

    [Fact]
    public void A_handle_is_known_after_it_was_closed_and_when_its_place_is_taken_again()
    {
        nint bank = Host.Bank(_context, 4, 8);
        Host.Succeeded(Host.Close(bank));
        nint another = Host.Bank(_context, 4, 8);
        SslpBankInfo info = Sized<SslpBankInfo>();
        Host.Refused(Status.Handle, "was closed before", BankInfo(bank, &info));
        Host.Refused(Status.Handle, "was closed before", Host.Close(bank));
        Host.Succeeded(BankInfo(another, &info));
        Host.Succeeded(Host.Close(another));
    }

    [Theory]
    [InlineData(42)]
    [InlineData(-1)]
    [InlineData(0x7fff_1234_5678_9abc)]
    public void What_was_never_a_handle_is_refused(long made)
    {
        SslpBankInfo info = Sized<SslpBankInfo>();
        Host.Refused(Status.Handle, "no handle that this library gave", BankInfo((nint)made, &info));
        Host.Refused(Status.Handle, "no handle that this library gave", Host.Close((nint)made));
    }

    [Fact]
    public void A_handle_of_another_kind_is_named()
    {
        SslpBankInfo info = Sized<SslpBankInfo>();
        Host.Refused(Status.Handle, "of a context, and a bank is wanted", BankInfo(_context, &info));
    }

    [Fact]
    public void A_struct_of_another_size_is_refused()
    {
        nint bank = Host.Bank(_context, 4, 8);
        var info = new SslpBankInfo { Size = 7 };
        Host.Refused(Status.Size, "info->size is 7", BankInfo(bank, &info));
        Host.Refused(Status.Usage, "info is null", BankInfo(bank, null));
        Host.Succeeded(Host.Close(bank));
    }

    [Fact]
    public void A_host_of_another_version_is_refused()
    {
        SslpContextOptions options = Host.ContextOptions();
        options.AbiVersion = 1;
        Host.Refused(Status.Version, "version 1", Host.Open(options, out nint context));
        Assert.Equal(0, context);
    }

    [Fact]
    public void Half_an_allocator_is_refused()
    {
        SslpContextOptions options = Host.ContextOptions();
        options.Allocate = &NoMemory;
        Host.Refused(Status.Usage, "go together", Host.Open(options, out _));
    }

    [Fact]
    public void An_allocator_that_has_nothing_is_no_crash()
    {
        SslpContextOptions options = Host.ContextOptions();
        options.Allocate = &NoMemory;
        options.Release = &Forget;
        Host.Succeeded(Host.Open(options, out nint context));
        byte* text;
        Host.Refused(Status.Space, "host's allocator gave no", Describe(context, &text));
        Host.Succeeded(Host.Close(context));
    }

    [Fact]
    public void Text_that_was_given_back_is_not_freed_again()
    {
        byte* text;
        Host.Succeeded(Describe(_context, &text));
        Assert.Contains("kernels cpu", Marshal.PtrToStringUTF8((nint)text), StringComparison.Ordinal);
        Host.Succeeded(FreeText(_context, text));
        Host.Refused(Status.Handle, "freed before", FreeText(_context, text));
    }

    [Fact]
    public void Wrong_shapes_of_a_search_are_refused_by_what_is_wrong()
    {
        nint bank = Host.Bank(_context, 4, 8);
        float* queries = stackalloc float[8];
        int* rows = stackalloc int[8];
        float* similarities = stackalloc float[8];
        queries[0] = 1;
        Host.Refused(Status.Usage, "k is 5", Search(bank, queries, 1, null, 5, rows, similarities));
        Host.Refused(Status.Usage, "rows is null", Search(bank, queries, 1, null, 2, null, similarities));
        Host.Refused(Status.Usage, "null pointer", Search(bank, null, 1, null, 2, rows, similarities));
        Host.Refused(Status.Size, "-1 rows", Search(bank, queries, -1, null, 2, rows, similarities));
        queries[3] = float.NaN;
        Host.Refused(Status.Usage, "not finite", Search(bank, queries, 1, null, 2, rows, similarities));
        int outside = 4;
        queries[3] = 0;
        Host.Refused(Status.Usage, "outside the bank's 4 rows", Update(bank, &outside, queries, 1, 0.5f));
        Host.Refused(Status.Usage, "outside the bank's 4 rows", LoadRows(bank, 4, queries, 1));
        Host.Succeeded(Search(bank, queries, 1, null, 2, rows, similarities));
        Host.Succeeded(Host.Close(bank));
    }

    [Fact]
    public void A_slide_that_is_not_there_and_a_buffer_that_is_too_small_are_named()
    {
        nint slide = 0;
        Host.Refused(Status.Input, "no such file", OpenSlide(_context, Host.Text("/no/such.svs"), 0, &slide));
        Assert.Equal(0, slide);
        Host.Refused(Status.Usage, "path is null", OpenSlide(_context, null, 0, &slide));
        string file = TestSlides.Ramp(Path.Combine(_folder, "ramp.tif"), 600, 400, 0.5);
        Host.Refused(Status.Usage, "reader is 9", OpenSlide(_context, Host.Text(file), 9, &slide));
        Host.Succeeded(OpenSlide(_context, Host.Text(file), 0, &slide));
        byte[] rgb = new byte[300];
        fixed (byte* pixels = rgb)
        {
            Host.Refused(Status.Size, "299 bytes", ReadSlide(slide, 0, 0, 0, 10, 10, pixels, 299));
            Host.Refused(Status.Usage, "Level 77", ReadSlide(slide, 77, 0, 0, 10, 10, pixels, 300));
            Host.Refused(Status.Usage, "empty", ReadSlide(slide, 0, 0, 0, 0, 10, pixels, 0));
            Host.Succeeded(ReadSlide(slide, 0, 100, 100, 10, 10, pixels, 300));
        }
        Assert.Contains(rgb, value => value != 0);
        Host.Succeeded(Host.Close(slide));
    }

    [Fact]
    public void A_context_is_not_closed_under_what_was_opened_from_it()
    {
        nint context = Host.Context(), bank = Host.Bank(context, 4, 8);
        Host.Refused(Status.Busy, "1 bank", Host.Close(context));
        Host.Succeeded(Host.Close(bank));
        Host.Succeeded(Host.Close(context));
    }

    [Fact]
    public void Two_contexts_do_not_disturb_each_other()
    {
        nint other = Host.Context();
        nint here = Host.Bank(_context, 40, 8, 5), there = Host.Bank(other, 40, 8, 5);
        Host.Succeeded(Host.Close(here));
        float* queries = stackalloc float[8];
        queries[2] = 1;
        int row;
        float similarity;
        Host.Succeeded(Search(there, queries, 1, null, 1, &row, &similarity));
        Host.Succeeded(Host.Close(there));
        Host.Succeeded(Host.Close(other));
        Assert.InRange(similarity, 0.01f, 1);
    }

    [Fact]
    public void A_bank_at_work_in_one_thread_is_refused_to_another()
    {
        nint bank = Host.Bank(_context, 4, 8);
        float* queries = stackalloc float[8];
        queries[1] = 1;
        int row;
        float similarity;
        // What a call holds while it is at work.
        using (Handles.Enter<NativeBank>(bank, "bank"))
        {
            Host.Refused(Status.Busy, "takes one at a time", Search(bank, queries, 1, null, 1, &row, &similarity));
            Host.Refused(Status.Busy, "is at work in another call", Host.Close(bank));
            SslpBankInfo info = Sized<SslpBankInfo>();
            Host.Succeeded(BankInfo(bank, &info));
        }
        Host.Succeeded(Search(bank, queries, 1, null, 1, &row, &similarity));
        Host.Succeeded(Host.Close(bank));
    }

    [Fact]
    public void The_hosts_own_threads_give_the_same_answer_and_what_they_leave_undone_is_a_fault()
    {
        SslpContextOptions options = Host.ContextOptions();
        options.Threads = 3;
        options.ParallelFor = &InTurn;
        Host.Succeeded(Host.Open(options, out nint context));
        nint hosts = Host.Bank(context, 500, 24, 5), own = Host.Bank(_context, 500, 24, 5);
        float* queries = stackalloc float[24];
        int* rows = stackalloc int[6];
        float* similarities = stackalloc float[6];
        (queries[3], queries[20]) = (1, -0.5f);
        Host.Succeeded(Search(hosts, queries, 1, null, 3, rows, similarities));
        Host.Succeeded(Search(own, queries, 1, null, 3, rows + 3, similarities + 3));
        Assert.Equal(new Span<int>(rows, 3), new Span<int>(rows + 3, 3));
        Assert.Equal(new Span<float>(similarities, 3), new Span<float>(similarities + 3, 3));
        _leaveOut = true;
        Host.Refused(Status.Callback, "items done", Search(hosts, queries, 1, null, 3, rows, similarities));
        _leaveOut = false;
        Host.Succeeded(Search(hosts, queries, 1, null, 3, rows, similarities));
        Host.Succeeded(Host.Close(own));
        Host.Succeeded(Host.Close(hosts));
        Host.Succeeded(Host.Close(context));
        options.Threads = 0;
        Host.Refused(Status.Usage, "parallel_for needs threads", Host.Open(options, out _));
    }

    [Fact]
    public void Each_thread_has_its_own_last_fault()
    {
        Host.Refused(Status.Handle, "is null", Host.Cancel(0));
        string other = "";
        var thread = new Thread(() => other = Host.Sentence());
        thread.Start();
        thread.Join();
        Assert.Empty(other);
    }

    [Fact]
    public void A_progress_function_that_fails_ends_tiling()
    {
        TestSlides.Ramp(Path.Combine(_folder, "a.tif"), 600, 400, 0.5);
        SslpTileOptions options = Host.TileOptions();
        options.Progress = &Fail;
        Host.Refused(Status.Callback, "returned 7", Host.Tile(_context, _folder, options, out nint patches));
        Assert.Equal(0, patches);
    }

    [Fact]
    public void A_batch_comes_back_once_and_the_slots_are_no_more_than_there_are()
    {
        nint patches = Tiled(), loader = Host.Loader(patches, batch: 4);
        Host.Succeeded(Start(loader, 0, 0));
        SslpBatch one = Sized<SslpBatch>(), two = Sized<SslpBatch>(), three = Sized<SslpBatch>();
        Host.Succeeded(Next(loader, &one));
        Host.Succeeded(Next(loader, &two));
        Host.Refused(Status.Busy, "All 2 slots are lent", Next(loader, &three));
        Host.Succeeded(GiveBack(loader, &two));
        Host.Refused(Status.Handle, "was given back before", GiveBack(loader, &two));
        Host.Succeeded(GiveBack(loader, &one));
        Host.Succeeded(Next(loader, &three));
        Host.Refused(Status.Usage, "Batch 9999", Start(loader, 0, 9999));
        Host.Refused(Status.Busy, "needed by what is open still", Host.Close(patches));
        Host.Succeeded(Host.Close(loader));
        Host.Succeeded(Host.Close(patches));
    }

    [Fact]
    public void A_patch_that_is_none_is_refused()
    {
        nint patches = Tiled();
        byte[] rgb = new byte[64 * 64 * 3];
        fixed (byte* pixels = rgb)
        {
            Host.Refused(Status.Usage, "Patch -1", ReadPatch(patches, -1, pixels, rgb.Length));
            Host.Refused(Status.Size, "takes 12288", ReadPatch(patches, 0, pixels, 3));
            Host.Succeeded(ReadPatch(patches, 0, pixels, rgb.Length));
        }
        Host.Succeeded(Host.Close(patches));
    }

    private nint Tiled()
    {
        TestSlides.Ramp(Path.Combine(_folder, "tiled.tif"), 600, 400, 0.5);
        Host.Succeeded(Host.Tile(_context, _folder, Host.TileOptions(), out nint patches));
        return patches;
    }

    private static T Sized<T>()
        where T : unmanaged
    {
        T made = default;
        *(uint*)&made = (uint)sizeof(T);
        return made;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Fail(void* user, long done, long total, byte* sentence) => 7;

    private static bool _leaveOut;

    /// <summary>A host with one thread that goes by three worker numbers in turn.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InTurn(void* user, int items, delegate* unmanaged[Cdecl]<void*, int, int, void> item, void* state)
    {
        for (int i = _leaveOut ? 1 : 0; i < items; i++)
            item(state, i, i % 3);
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* NoMemory(void* user, nuint bytes, nuint alignment) => null;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Forget(void* user, void* memory)
    {
    }
}
