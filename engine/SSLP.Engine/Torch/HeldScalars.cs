using TorchSharp;
using static TorchSharp.torch;

namespace SSLP.Engine.Torch;

/// <summary>
/// Operations of tensors with a number, whose scalar lives until libtorch has returned. TorchSharp gives libtorch the address of a scalar
/// and forgets it; a collection in between frees what is about to be read, and the operation goes on with what lies there, mostly 0. An
/// addition of two tensors makes such a scalar too, their factor 1, and so does BatchNorm. On a core that is shared 2 of 100 collections
/// fell into an addition and spoiled it. TorchSharp's pull requests 1434 and 1496, open, would dispose them where they are made. Nothing
/// of ours lets TorchSharp make one: HeldScalarsTests reads the code for it.
/// </summary>
internal static class HeldScalars
{
    private static readonly Scalar One = 1.ToScalar();

    /// <summary>x + y.</summary>
    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);

    /// <summary>x + α y.</summary>
    public static Tensor Plus(this Tensor x, Tensor y, double alpha)
    {
        using Scalar factor = alpha.ToScalar();
        return x.add(y, factor);
    }

    /// <summary>x + y of floating-point numbers.</summary>
    public static Tensor Plus(this Tensor x, double y) => Held(x, y.ToScalar(), static (x, y) => x.add(y, One));

    /// <summary>x ← x + y.</summary>
    public static Tensor PlusInPlace(this Tensor x, Tensor y) => x.add_(y, One);

    /// <summary>x ← x + α y.</summary>
    public static Tensor PlusInPlace(this Tensor x, Tensor y, double alpha)
    {
        using Scalar factor = alpha.ToScalar();
        return x.add_(y, factor);
    }

    /// <summary>x ← x + 1.</summary>
    public static Tensor CountOneInPlace(this Tensor x) => x.add_(One, One);

    /// <summary>x y.</summary>
    public static Tensor Times(this Tensor x, double y) => Held(x, y.ToScalar(), static (x, y) => x.mul(y));

    /// <summary>x ← x y.</summary>
    public static Tensor TimesInPlace(this Tensor x, double y) => Held(x, y.ToScalar(), static (x, y) => x.mul_(y));

    /// <summary>x / y.</summary>
    public static Tensor Over(this Tensor x, double y) => Held(x, y.ToScalar(), static (x, y) => x.div(y));

    /// <summary>x ← x / y.</summary>
    public static Tensor OverInPlace(this Tensor x, double y) => Held(x, y.ToScalar(), static (x, y) => x.div_(y));

    /// <summary>x &gt; y.</summary>
    public static Tensor Above(this Tensor x, long y) => Held(x, y.ToScalar(), static (x, y) => x.gt(y));

    /// <summary>x &lt; y.</summary>
    public static Tensor Below(this Tensor x, long y) => Held(x, y.ToScalar(), static (x, y) => x.lt(y));

    /// <summary>x &lt; y.</summary>
    public static Tensor Below(this Tensor x, double y) => Held(x, y.ToScalar(), static (x, y) => x.lt(y));

    /// <summary>max(x, y).</summary>
    public static Tensor AtLeast(this Tensor x, double y) => Held(x, y.ToScalar(), static (x, y) => x.clamp_min(y));

    /// <summary>x, and <paramref name="value"/> where <paramref name="mask"/> is.</summary>
    public static Tensor FilledWhere(this Tensor x, Tensor mask, double value)
    {
        using Scalar filler = value.ToScalar();
        return x.masked_fill(mask, filler);
    }

    /// <summary>x ← <paramref name="value"/>.</summary>
    public static Tensor FillInPlace(this Tensor x, double value) => Held(x, value.ToScalar(), static (x, y) => x.fill_(y));

    /// <summary>[clusters, …]: the sums of the rows of each label.</summary>
    /// <param name="into">What is added to, of the result's shape.</param>
    /// <param name="labels">int64 [N].</param>
    /// <param name="rows">[N, …].</param>
    public static Tensor PlusRows(this Tensor into, Tensor labels, Tensor rows) => into.index_add(0, labels, rows, One);

    /// <summary>0, 1, … <paramref name="count"/> − 1.</summary>
    public static Tensor CountUp(long count, ScalarType type, Device device)
    {
        using Scalar start = 0.ToScalar(), stop = count.ToScalar();
        return arange(start, stop, One, type, device);
    }

    private static Tensor Held(Tensor x, Scalar y, Func<Tensor, Scalar, Tensor> operation)
    {
        using (y)
            return operation(x, y);
    }
}
