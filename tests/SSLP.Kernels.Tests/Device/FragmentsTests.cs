using SSLP.Kernels.Device;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>The layout of fragments against the formulas that the PTX ISA prints for mma.m16n8k16 with .bf16.</summary>
public sealed class FragmentLayoutTests
{
    [Fact]
    public void A_lies_as_the_ISA_says()
    {
        // "row = groupID for ai where 0 <= i < 2 || 4 <= i < 6, else groupID + 8; col = threadID_in_group * 2 + (i & 0x1), + 8 for i >= 4"
        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < 8; i++)
            {
                int row = i is 0 or 1 or 4 or 5 ? lane >> 2 : (lane >> 2) + 8;
                int column = (lane % 4 * 2) + (i & 1) + (i >= 4 ? 8 : 0);
                Assert.Equal((lane, i / 2, i % 2), (FragmentLayout.LaneOfA(row, column), FragmentLayout.RegisterOfA(row, column), column % 2));
            }
        }
    }

    [Fact]
    public void B_lies_as_the_ISA_says()
    {
        // "row = threadID_in_group * 2 + (i & 0x1) for bi where i < 2, + 8 for i >= 2; col = groupID"
        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < 4; i++)
            {
                int row = (lane % 4 * 2) + (i & 1) + (i >= 2 ? 8 : 0), column = lane >> 2;
                Assert.Equal((lane, i / 2, i % 2), (FragmentLayout.LaneOfB(row, column), FragmentLayout.RegisterOfB(row), row % 2));
            }
        }
    }

    [Fact]
    public void C_lies_as_the_ISA_says()
    {
        // "row = groupID for ci where i < 2, else groupID + 8; col = threadID_in_group * 2 + (i & 0x1)"
        for (int lane = 0; lane < 32; lane++)
        {
            for (int i = 0; i < 4; i++)
                Assert.Equal((i < 2 ? lane >> 2 : (lane >> 2) + 8, (lane % 4 * 2) + (i & 1)), (FragmentLayout.RowOfC(lane, i), FragmentLayout.ColumnOfC(lane, i)));
        }
    }

    [Fact]
    public void Eight_lanes_of_a_matrix_name_eight_different_bank_groups()
    {
        // ldmatrix reads a matrix at once: its rows of 16 bytes must lie in different eighths of the 128 bytes that the banks span.
        foreach (int part in (int[])[0, 2])
        {
            foreach (Fragments fragments in (Fragments[])[Fragments.OfA(512, 16, part), Fragments.OfB(1024, 48, part)])
            {
                for (int matrix = 0; matrix < 4; matrix++)
                    Assert.Equal(8, Enumerable.Range(8 * matrix, 8).Select(lane => Fragments.At(fragments, lane) % 8).Distinct().Count());
            }
        }
    }

    [Fact]
    public void Rounding_to_bf16_ties_to_even()
    {
        Assert.Equal(0x3F80_3F80u, TensorCore.Round(1f, 1f + 1f / 256));     // halfway: the even one is below
        Assert.Equal(0x3F82_BF81u, TensorCore.Round(-1f - 1f / 128, 1f + 3f / 256));  // halfway: the even one is above
        Assert.Equal(1f + 1f / 64, TensorCore.Widen(0x3F82));
    }
}
