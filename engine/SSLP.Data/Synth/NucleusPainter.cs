namespace SSLP.Data.Synth;

/// <summary>Shape of one kind of nucleus; lengths in px of 0.5 µm.</summary>
/// <param name="Spacing">Side of the grid square that holds one.</param>
/// <param name="Radius">Mean of the smaller half axis.</param>
/// <param name="RadiusSpread">Its relative spread.</param>
/// <param name="Elongation">Larger over smaller half axis.</param>
/// <param name="Density">Haematoxylin in the middle of chromatin.</param>
/// <param name="Rim">0: even chromatin; 1: a pale middle with a dark rim (vesicular).</param>
internal readonly record struct NucleusKind(float Spacing, float Radius, float RadiusSpread, float Elongation, float Density, float Rim);

/// <summary>Scatters nuclei over the tissue: spindles along the fibres, small dark round lymphocytes, large vesicular tumour
/// nuclei.</summary>
internal sealed class NucleusPainter(Random random, TissuePainter tissue, StainMap stain)
{
    private static readonly NucleusKind Fibroblast = new(46, 3.6f, 0.2f, 3.6f, 0.85f, 0);
    private static readonly NucleusKind Lymphocyte = new(19, 5.6f, 0.12f, 1.08f, 1.05f, 0);
    private static readonly NucleusKind StrayLymphocyte = new(120, 5.6f, 0.12f, 1.08f, 1.05f, 0);
    private static readonly NucleusKind TumourCell = new(27, 8.8f, 0.24f, 1.3f, 0.62f, 0.55f);

    private readonly ValueNoise _chromatin = new(random);

    public void Paint()
    {
        Scatter(Fibroblast, SynthClass.Stroma, 0.85f);
        Scatter(StrayLymphocyte, SynthClass.Stroma, 0.6f);
        Scatter(Lymphocyte, SynthClass.Lymphocytes, 0.8f);
        Scatter(Fibroblast, SynthClass.Lymphocytes, 0.35f);
        Scatter(TumourCell, SynthClass.Tumour, 0.93f);
        Scatter(StrayLymphocyte, SynthClass.Tumour, 0.7f);
    }

    /// <summary>One nucleus in every grid square with a probability, where the square's point lies in the tissue.</summary>
    private void Scatter(NucleusKind kind, SynthClass where, float probability)
    {
        int squares = (int)(stain.Size / kind.Spacing) + 1;
        for (int row = 0; row < squares; row++)
            for (int column = 0; column < squares; column++)
            {
                // Drawn whether or not they are used, so that one square's outcome does not move the others.
                float x = (column + 0.12f + (0.76f * random.NextSingle())) * kind.Spacing,
                    y = (row + 0.12f + (0.76f * random.NextSingle())) * kind.Spacing;
                float size = 1 + (kind.RadiusSpread * ((2 * random.NextSingle()) - 1)), turn = random.NextSingle(),
                    chance = random.NextSingle();
                if (chance > probability || x >= stain.Size || y >= stain.Size)
                    continue;
                (SynthClass here, int region) = tissue.TissueAt((int)x, (int)y);
                if (here != where)
                    continue;
                float angle = kind.Elongation > 2 ? tissue.FibreAngle((int)x, (int)y, region) + (0.5f * (turn - 0.5f)) : turn * MathF.PI;
                Draw(kind, x, y, kind.Radius * size, angle);
            }
    }

    private void Draw(NucleusKind kind, float x, float y, float radius, float angle)
    {
        float cos = MathF.Cos(angle), sin = MathF.Sin(angle), longAxis = radius * kind.Elongation;
        int reach = (int)MathF.Ceiling(MathF.Max(radius, longAxis)) + 2;
        for (int py = Math.Max(0, (int)y - reach); py < Math.Min(stain.Size, (int)y + reach + 1); py++)
            for (int px = Math.Max(0, (int)x - reach); px < Math.Min(stain.Size, (int)x + reach + 1); px++)
            {
                float u = (((px - x) * cos) + ((py - y) * sin)) / longAxis, v = (((py - y) * cos) - ((px - x) * sin)) / radius;
                float fromCentre = MathF.Sqrt((u * u) + (v * v)) * (1 + (0.10f * _chromatin.At(px / 7f, py / 7f)));
                // The edge fades over about a pixel and a half: the microscope's blur.
                float inside = Math.Clamp(((1 - fromCentre) * radius / 1.5f) + 0.5f, 0, 1);
                if (inside == 0)
                    continue;
                float rim = 1 - (kind.Rim * Math.Clamp((0.86f - fromCentre) * 3, 0, 1));
                float clumps = 1 + (0.35f * _chromatin.Rough((px / 2.6f) + 50, (py / 2.6f) + 50));
                int at = (py * stain.Size) + px;
                stain.Haematoxylin[at] += inside * ((kind.Density * rim * clumps) - (0.5f * stain.Haematoxylin[at]));
                stain.Eosin[at] *= 1 - (0.45f * inside);
            }
    }
}
