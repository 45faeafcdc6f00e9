namespace SSLP.Data.Annotations;

/// <summary>How areas become classes of patches.</summary>
/// <param name="Share">Least share of a patch that its class covers, above 0 and at most 1.</param>
/// <param name="Rest">Class of a patch that no area touches; null for none.</param>
internal sealed record LabelRule(double Share, string? Rest);

/// <summary>The classes of one slide's patches.</summary>
/// <param name="Names">By patch, null for none.</param>
/// <param name="Shares">By patch, how much of it its class covers; of a patch without class, the most that any class covers.</param>
internal sealed record PatchLabels(IReadOnlyList<string?> Names, IReadOnlyList<float> Shares)
{
    public static PatchLabels Of(ClassGrid grid, IReadOnlyList<(int Col, int Row)> patches, LabelRule rule)
    {
        string?[] names = new string?[patches.Count];
        float[] shares = new float[patches.Count];
        for (int i = 0; i < names.Length; i++)
        {
            int cell = (patches[i].Row * grid.Columns) + patches[i].Col;
            bool untouched = grid.Rest[cell] >= 1;
            shares[i] = untouched && rule.Rest is not null ? grid.Rest[cell] : grid.Share[cell];
            names[i] = untouched ? rule.Rest : grid.Best[cell] >= 0 && grid.Share[cell] >= rule.Share
                ? grid.Classes[grid.Best[cell]] : null;
        }
        return new(names, shares);
    }

    /// <summary>A slide on which nothing is drawn.</summary>
    public static PatchLabels AllRest(int patches, LabelRule rule) => new(
        [.. Enumerable.Repeat(rule.Rest, patches)], [.. Enumerable.Repeat(rule.Rest is null ? 0f : 1f, patches)]);
}
