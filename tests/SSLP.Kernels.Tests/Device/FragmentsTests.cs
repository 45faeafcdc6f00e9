using SSLP.Kernels.Device;
using Xunit;

namespace SSLP.Kernels.Tests.Device;

/// <summary>What lanes name to ldmatrix, and how bf16 rounds. What the instructions do with it is executed by the kernels' own
/// tests.</summary>
public sealed class FragmentsTests
{
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
