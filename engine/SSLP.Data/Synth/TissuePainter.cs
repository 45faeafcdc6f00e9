namespace SSLP.Data.Synth;

/// <summary>
/// Paints what lies between the nuclei: wavy collagen in stroma and among lymphocytes, cytoplasm in nests with thin septa, fat cells
/// with membranes, glass. What tells the classes apart is structure; <see cref="StainBalance"/> takes their mean colour away.
/// </summary>
internal sealed class TissuePainter
{
    private readonly TissueLayout _layout;
    private readonly ValueNoise _edge;
    private readonly ValueNoise _fibre;
    private readonly ValueNoise _wave;
    private readonly ValueNoise _grain;
    private readonly ValueNoise _cleft;
    private readonly CellPattern _nests;
    private readonly CellPattern _fatCells;
    private readonly (float Cos, float Sin)[] _direction;

    public TissuePainter(Random random, TissueLayout layout)
    {
        _layout = layout;
        (_edge, _fibre, _wave, _grain, _cleft) = (new(random), new(random), new(random), new(random), new(random));
        _nests = new(random, layout.Size, 240);
        _fatCells = new(random, layout.Size, 130);
        _direction = new (float, float)[layout.Regions];
        for (int i = 0; i < _direction.Length; i++)
        {
            float angle = random.NextSingle() * MathF.PI;
            _direction[i] = (MathF.Cos(angle), MathF.Sin(angle));
        }
    }

    /// <summary>Class whose texture a pixel shows: the map's, its edges made ragged.</summary>
    public (SynthClass Class, int Region) TissueAt(int x, int y)
    {
        const int Raggedness = 9;
        (SynthClass, int) here = _layout.At(x, y);
        // Away from edges, that is almost everywhere, the displacement changes nothing.
        if (here == _layout.At(x - Raggedness, y - Raggedness) && here == _layout.At(x + Raggedness, y - Raggedness)
            && here == _layout.At(x - Raggedness, y + Raggedness) && here == _layout.At(x + Raggedness, y + Raggedness))
            return here;
        return _layout.At(x + (Raggedness * _edge.Rough(x / 23f, y / 23f)), y + (Raggedness * _edge.Rough((x / 23f) + 91, (y / 23f) + 17)));
    }

    /// <summary>Paints all pixels and records the class that each shows.</summary>
    public void Paint(StainMap stain, Span<byte> shown)
    {
        for (int y = 0; y < stain.Size; y++)
            for (int x = 0; x < stain.Size; x++)
            {
                int at = (y * stain.Size) + x;
                (SynthClass tissue, int region) = TissueAt(x, y);
                shown[at] = (byte)tissue;
                (stain.Haematoxylin[at], stain.Eosin[at]) = tissue switch
                {
                    SynthClass.Stroma => Collagen(x, y, region, 1),
                    SynthClass.Lymphocytes => Collagen(x, y, region, 0.55f),
                    SynthClass.Tumour => Nest(x, y, region),
                    SynthClass.Fat => FatCell(x, y),
                    _ => (0, 0.01f),
                };
            }
    }

    /// <summary>Direction of the fibres of a region at a pixel, radians: follows the wave that bends them.</summary>
    public float FibreAngle(int x, int y, int region)
    {
        (float cos, float sin) = _direction[region];
        return MathF.Atan2(sin, cos) + (0.9f * _wave.At(x / 170f, y / 170f));
    }

    private (float, float) Collagen(int x, int y, int region, float contrast)
    {
        (float cos, float sin) = _direction[region];
        float bend = 46 * _wave.Rough(x / 170f, y / 170f);
        float along = (x * cos) + (y * sin), across = (y * cos) - (x * sin) + bend;
        float bundles = _fibre.At(along / 150, across / 17), threads = _fibre.At((along / 70) + 40, (across / 5) + 80);
        float strength = 0.5f + (contrast * ((0.22f * bundles) + (0.16f * threads))) + (0.05f * _grain.At(x / 2.3f, y / 2.3f));
        float cleft = (_cleft.At(along / 90, across / 11) - 0.62f) * 6 * contrast;
        strength *= 1 - Math.Clamp(cleft, 0, 0.85f);
        return (0.13f * strength, MathF.Max(0.02f, strength));
    }

    private (float, float) Nest(int x, int y, int region)
    {
        (_, float toEdge) = _nests.At(x + (18 * _edge.At(x / 60f, y / 60f)), y + (18 * _edge.At((x / 60f) + 33, y / 60f)));
        if (toEdge < 5)
            return Collagen(x, y, region, 0.8f);
        float cytoplasm = 0.42f + (0.10f * _grain.Rough(x / 9f, y / 9f)) + (0.05f * _grain.At(x / 2.3f, y / 2.3f));
        return (0.34f * cytoplasm, cytoplasm);
    }

    private (float, float) FatCell(int x, int y)
    {
        (_, float toEdge) = _fatCells.At(x + (10 * _edge.At(x / 40f, y / 40f)), y + (10 * _edge.At((x / 40f) + 71, y / 40f)));
        float membrane = Math.Clamp(1.2f - (toEdge / 3.5f), 0, 1) * (0.75f + (0.25f * _grain.At(x / 9f, y / 9f)));
        return (0.06f * membrane, 0.015f + (0.5f * membrane));
    }
}
