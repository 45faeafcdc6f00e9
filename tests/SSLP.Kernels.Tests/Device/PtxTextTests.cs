using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>What the embedded texts must not hold, since the meaning of the C# would be lost on a device alone.</summary>
public sealed partial class PtxTextTests
{
    /// <summary>The device code keeps what it stores in a register if it needs it again: such a load has been moved.</summary>
    [Fact]
    public void No_load_stands_behind_a_store_to_its_word_in_one_block() =>
        AssertNone(text => text.LoadsBehindStores());

    [Fact]
    public void No_branch_on_a_predicate_is_said_to_be_uniform() => AssertNone(text => text.Matching(PredicatedUniform()));

    [Fact]
    public void Every_sum_difference_and_product_of_floats_says_how_it_rounds() => AssertNone(text => text.Matching(Unrounded()));

    /// <summary>min and max without .NaN return the number of a number and a NaN. Pixels are numbers; scores need not be.</summary>
    [Fact]
    public void No_kernel_but_the_augmentation_s_drops_a_NaN_in_a_minimum_or_maximum() =>
        Assert.Empty(PtxLibrary.Kernels.Keys.Where(kernel => kernel != "AugmentPatches")
            .SelectMany(kernel => Read(kernel).Matching(DropsNaN())));

    [Fact]
    public void A_load_behind_a_store_is_found_by_its_address_and_not_by_its_register()
    {
        const string moved =
            "\tL_p0:\n\tmul.wide.u32\t%rd2, %r1, 4;\n\tadd.u64\t%rd3, %rd1, %rd2;\n\tst.shared.b32\t[%rd3], %r2;\n"
            + "\tmul.wide.u32\t%rd4, %r1, 4;\n\tadd.u64\t%rd5, %rd1, %rd4;\n\tld.shared.b32\t%r3, [%rd5];\n";
        Assert.Equal(["7: ld.shared.b32\t%r3, [%rd5];"], new PtxText(moved).LoadsBehindStores());
        Assert.Empty(new PtxText(moved.Replace("\tmul.wide.u32\t%rd4, %r1", "\tmul.wide.u32\t%rd4, %r9", StringComparison.Ordinal))
            .LoadsBehindStores());
        Assert.Empty(new PtxText(moved.Replace("\tmul.wide.u32\t%rd4", "\tbar.sync 0;\n\tmul.wide.u32\t%rd4", StringComparison.Ordinal))
            .LoadsBehindStores());
    }

    private static void AssertNone(Func<PtxText, IEnumerable<string>> faults) =>
        Assert.Empty(PtxLibrary.Kernels.Keys.SelectMany(
            kernel => faults(Read(kernel)).Select(fault => $"{kernel}.ptx:{fault}")));

    private static PtxText Read(string kernel) => new(Encoding.ASCII.GetString(PtxLibrary.Text(kernel)));

    [GeneratedRegex(@"^\s*@!?%\w+\s+bra\.uni\b")]
    private static partial Regex PredicatedUniform();

    [GeneratedRegex(@"\b(?:min|max)\.f(?:32|64)\b")]
    private static partial Regex DropsNaN();

    [GeneratedRegex(@"\b(?:add|sub|mul|mad)\.f(?:32|64)\b")]
    private static partial Regex Unrounded();
}
