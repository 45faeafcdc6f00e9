namespace SSLP.Data.Synth;

/// <summary>
/// Smooth random numbers over the plane: values of a lattice of unit spacing, uniform in [−1, 1], interpolated with a cubic fade.
/// Periodic with 256 lattice cells. A function of the generator's state when it is made.
/// </summary>
internal sealed class ValueNoise
{
    private const int Period = 256;

    private readonly float[] _lattice = new float[Period * Period];

    public ValueNoise(Random random)
    {
        for (int i = 0; i < _lattice.Length; i++)
            _lattice[i] = (random.NextSingle() * 2) - 1;
    }

    public float At(float x, float y)
    {
        int column = (int)MathF.Floor(x), row = (int)MathF.Floor(y);
        float u = Fade(x - column), v = Fade(y - row);
        int left = column & (Period - 1), right = (column + 1) & (Period - 1);
        int top = (row & (Period - 1)) * Period, bottom = ((row + 1) & (Period - 1)) * Period;
        float upper = _lattice[top + left] + (u * (_lattice[top + right] - _lattice[top + left]));
        float lower = _lattice[bottom + left] + (u * (_lattice[bottom + right] - _lattice[bottom + left]));
        return upper + (v * (lower - upper));
    }

    /// <summary>Two octaves: half the amplitude at twice the frequency.</summary>
    public float Rough(float x, float y) => (At(x, y) + (0.5f * At((2 * x) + 37, (2 * y) + 59))) / 1.5f;

    private static float Fade(float t) => t * t * (3 - (2 * t));
}
