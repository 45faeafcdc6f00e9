using System.Runtime.Intrinsics;
using Xunit;

namespace SSLP.Kernels.Tests;

public sealed class LanesExpTests
{
    [Fact]
    public void Two_to_the_y_is_within_two_ulp()
    {
        for (int i = 0; i <= 1_260_000; i++)
        {
            float y = -i * 1e-4f;
            float actual = LanesExp.Exp2<Lanes256, Vector256<float>>(Vector256.Create(y))[i % 8];
            double exact = Math.Pow(2, y);
            double ulp = Math.ScaleB(1, Math.ILogB(exact) - 23);
            Assert.True(Math.Abs(actual - exact) <= 2 * ulp, $"2^{y} = {exact}, not {actual}");
        }
    }

    [Theory]
    [InlineData(0f, 1f)]
    [InlineData(-1f, 0.5f)]
    [InlineData(-126f, 1.17549435e-38f)]
    [InlineData(-1e30f, 1.17549435e-38f)]
    [InlineData(float.NegativeInfinity, 1.17549435e-38f)]
    public void Whole_and_extreme_exponents_are_exact_on_every_instruction_set(float y, float expected)
    {
        Assert.Equal(expected, LanesExp.Exp2<ScalarLanes, float>(y));
        Assert.Equal(expected, LanesExp.Exp2<Lanes128, Vector128<float>>(Vector128.Create(y))[3]);
        Assert.Equal(expected, LanesExp.Exp2<Lanes256, Vector256<float>>(Vector256.Create(y))[7]);
        Assert.Equal(expected, LanesExp.Exp2<Lanes512, Vector512<float>>(Vector512.Create(y))[15]);
    }
}
