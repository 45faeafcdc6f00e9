namespace SSLP.Data.Synth;

/// <summary>
/// How one slide was stained and scanned: direction of each stain's absorbance in RGB (Ruifrok and Johnston, Anal. Quant. Cytol. Histol.
/// 2001, moved a little for every slide), its strength, the light's colour, the sensor's noise. Light passes by Beer–Lambert's law.
/// </summary>
internal sealed class SlideStain
{
    private const int NoiseLength = 1 << 16;

    private readonly float[] _h;
    private readonly float[] _e;
    private readonly float[] _light;
    private readonly sbyte[] _noise = new sbyte[NoiseLength];

    public SlideStain(Random random)
    {
        float strengthH = Between(random, 0.6f, 1.3f), strengthE = Between(random, 0.45f, 1.15f);
        _h = Absorbance(random, [0.65f, 0.70f, 0.29f], strengthH);
        _e = Absorbance(random, [0.10f, 0.88f, 0.42f], strengthE);
        _light = [Between(random, 236, 250), Between(random, 232, 248), Between(random, 234, 250)];
        for (int i = 0; i < NoiseLength; i++)
            _noise[i] = (sbyte)MathF.Round((random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 5);
    }

    /// <summary>RGB of every pixel, row by row.</summary>
    public byte[] Render(StainMap stain)
    {
        byte[] rgb = new byte[stain.Size * stain.Size * 3];
        for (int i = 0; i < stain.Haematoxylin.Length; i++)
            for (int channel = 0; channel < 3; channel++)
            {
                float density = (stain.Haematoxylin[i] * _h[channel]) + (stain.Eosin[i] * _e[channel]);
                // A prime stride keeps the noise of neighbouring rows and channels apart.
                float value = (_light[channel] * MathF.Exp(-density)) + _noise[((i * 3) + channel) * 31 % NoiseLength & (NoiseLength - 1)];
                rgb[(i * 3) + channel] = (byte)Math.Clamp(value + 0.5f, 0, 255);
            }
        return rgb;
    }

    /// <summary>Absorbance per unit of stain: the direction, moved, at unit length, times the strength. Natural logarithm.</summary>
    private static float[] Absorbance(Random random, float[] direction, float strength)
    {
        float[] moved = [.. direction.Select(component => MathF.Max(0.01f, component + Between(random, -0.09f, 0.09f)))];
        float length = MathF.Sqrt(moved.Sum(component => component * component));
        return [.. moved.Select(component => component / length * strength * 1.6f)];
    }

    private static float Between(Random random, float low, float high) => low + ((high - low) * random.NextSingle());
}
