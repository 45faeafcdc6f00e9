using System.Text.RegularExpressions;
using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>
/// Two kernels as ILGPU 1.5.3 compiled them with its aggressive code placement, from the sources of commit 9fe1e98: loads of a running sum
/// stand behind the stores to the same word. The texts assemble, and the C# behind them is right; only running them shows it.
/// </summary>
public sealed partial class CodePlacementTests
{
    [Fact]
    public void A_sort_with_its_load_behind_the_store_writes_all_keys_to_one_place()
    {
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Sort(Text("SortCandidates")));
        Assert.Equal(PtxFaultKind.Race, fault.Kind);
        Assert.Equal("Kernel_SortCandidates", fault.Kernel);
    }

    [Fact]
    public void With_the_load_before_the_store_the_same_sort_is_right()
    {
        ulong[] sorted = Sort(LoadFirst(
            Text("SortCandidates"), "\tst.shared.b32\t[%rd111], %r97;\n", "\tld.shared.b32\t%r99, [%rd113];\n",
            "\tmul.wide.u32\t%rd114, %r16, 4;\n\tadd.u64\t%rd113, %rd8, %rd114;\n"));
        Assert.Equal(Keys().OrderDescending(), sorted);
    }

    [Fact]
    public void Neighbours_with_their_load_behind_the_store_are_written_over_each_other()
    {
        string text = PredicatedUniform().Replace(Text("FindSpatialNeighbours"), "$1 bra");
        PtxFaultException fault = Assert.Throws<PtxFaultException>(() => Neighbours(text));
        Assert.Equal((PtxFaultKind.Race, "Kernel_FindSpatialNeighbours"), (fault.Kind, fault.Kernel));
        Assert.Equal(24, Neighbours(LoadFirst(
            text, "\tst.shared.b32\t[%rd206], %r64;\n", "\tld.shared.b32\t%r253, [%rd207];\n",
            "\tmul.wide.u32\t%rd208, %r63, 4;\n\tadd.u64\t%rd207, %rd41, %rd208;\n")));
    }

    [Fact]
    public void Their_uniform_claims_do_not_hold_either() =>
        Assert.Equal(PtxFaultKind.Uniform, Assert.Throws<PtxFaultException>(() => Neighbours(Text("FindSpatialNeighbours"))).Kind);

    private static string Text(string kernel)
    {
        using Stream stream = typeof(CodePlacementTests).Assembly.GetManifestResourceStream($"{kernel}.ptx")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    // Puts a load with the computation of its address before a store.
    private static string LoadFirst(string text, string store, string load, string address)
    {
        Assert.Contains(store, text, StringComparison.Ordinal);
        Assert.Contains(load, text, StringComparison.Ordinal);
        Assert.Contains(address, text, StringComparison.Ordinal);
        // The address takes registers of its own: the store's are in use.
        string apart = (address + load).Replace("%rd207", "%rd200", StringComparison.Ordinal)
            .Replace("%rd113", "%rd100", StringComparison.Ordinal);
        return text.Replace(load, "", StringComparison.Ordinal).Replace(store, apart + store, StringComparison.Ordinal);
    }

    private static ulong[] Keys()
    {
        // Falling scores between −1 and 1 as ordered bits above, rows below; in no order.
        var random = new Random(3);
        return [.. Enumerable.Range(0, 700).Select(row => (ulong)Ordered((float)(2 * random.NextDouble() - 1)) << 32 | ~(uint)row)];
    }

    private static uint Ordered(float score)
    {
        uint bits = BitConverter.SingleToUInt32Bits(score);
        return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
    }

    private static ulong[] Sort(string text)
    {
        using var run = new TestRun();
        ulong[] keys = Keys();
        ulong sorted = run.Allocate<ulong>(keys.Length);
        run.Launch(Machine.Load(text).Single(), (1, 1, 1), 256,
            [View(run.Upload<ulong>(keys), keys.Length), View(run.Upload(keys.Length), 1), View(sorted, keys.Length),
                BitConverter.GetBytes(keys.Length)]);
        return run.Read<ulong>(sorted, keys.Length);
    }

    // A slide of 9 × 9 patches; the middle one has 24 others nearer than 3.
    private static int Neighbours(string text)
    {
        const int Side = 9, Patches = Side * Side, Capacity = 40;
        using var run = new TestRun();
        int[] patches = [.. Enumerable.Range(0, Patches)], lines = [.. Enumerable.Range(0, Side + 1)];
        ulong columns = run.Upload<int>([.. patches.Select(p => p % Side)]), counts = run.Allocate<int>(1);
        byte[][] parameters =
        [
            View(run.Upload(Patches / 2), 1), View(run.Upload<int>(new int[Patches]), Patches), View(columns, Patches),
            View(run.Upload<int>([.. patches.Select(p => p / Side)]), Patches),
            View(run.Upload(0, Side), 2), View(run.Upload<int>(lines[..Side]), Side),
            View(run.Upload<int>([.. lines.Select(line => line * Side)]), Side + 1),
            View(columns, Patches), View(run.Upload<int>(patches), Patches),
            View(run.Upload<float>(new float[4]), 1), View(run.Upload<float>(new float[4 * Patches]), Patches),
            View(run.Allocate<int>(Capacity), Capacity), View(run.Allocate<float>(Capacity), Capacity), View(counts, 1),
            View(run.Allocate<int>(1), 1),
            BitConverter.GetBytes(9.0), BitConverter.GetBytes(1), BitConverter.GetBytes(Capacity), BitConverter.GetBytes(0),
            BitConverter.GetBytes(0),
            BitConverter.GetBytes(0L), BitConverter.GetBytes(0L),
        ];
        run.Launch(Machine.Load(text).Single(), (1, 1, 1), 32, parameters);
        return run.Read<int>(counts, 1)[0];
    }

    /// <summary>An ArrayView: address and length.</summary>
    private static byte[] View(ulong address, long length) => [.. BitConverter.GetBytes(address), .. BitConverter.GetBytes(length)];

    [GeneratedRegex(@"(@!?%p\d+) bra\.uni")]
    private static partial Regex PredicatedUniform();
}
