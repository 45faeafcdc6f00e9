using System.Text.Json;

namespace SSLP.Data.Annotations;

/// <summary>
/// The class of a GeoJSON feature in every form it is met in: QuPath's object with <c>name</c> or <c>names</c>, that object as text (tables
/// hold it so), a bare name, or none. A derived class of several names is "Tumor: Positive", as QuPath shows it.
/// </summary>
internal static class QuPathClass
{
    private static readonly string[] Keys =
        ["classification", "classification.name", "classification_name", "class", "class_name", "className", "pathClass"];

    /// <summary>QuPath's own class of what is not to be used.</summary>
    private const string Ignored = "Ignore*";

    /// <returns>Null where the feature has no class.</returns>
    /// <exception cref="FormatException">There is one that can't be understood.</exception>
    public static string? Of(JsonElement feature)
    {
        if (!feature.TryGetProperty("properties", out JsonElement properties) || properties.ValueKind != JsonValueKind.Object)
            return Said(feature);
        if ((Said(properties) ?? Said(feature)) is { } said)
            return said;
        // A table program may have given the class another column's name; to take such a part for a region would be the opposite of what
        // it says.
        foreach (JsonProperty other in properties.EnumerateObject())
            if (other.Value.ValueKind == JsonValueKind.String && OfText(other.Value) is Ignored)
                throw new FormatException(
                    $"the property '{other.Name}' is '{Ignored}', and a class is looked for in {string.Join(", ", Keys)}; name it so");
        return null;

        static string? Said(JsonElement of)
        {
            foreach (string key in Keys)
                if (of.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null)
                    return OfValue(value);
            return null;
        }

        static string? OfText(JsonElement text)
        {
            string word = text.GetString()!.Trim();
            return word.Length > 0 && word[0] is '{' or '[' && word.Contains(Ignored, StringComparison.OrdinalIgnoreCase) ? Ignored
                : word.Equals(Ignored, StringComparison.OrdinalIgnoreCase) ? Ignored : null;
        }
    }

    private static string? OfValue(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => OfText(value.GetString()!.Trim()),
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.Array => Joined(value),
        JsonValueKind.Object => OfObject(value),
        _ => throw NotUnderstood(value.GetRawText()),
    };

    private static string? OfObject(JsonElement value)
    {
        if (value.TryGetProperty("names", out JsonElement names) && names.ValueKind == JsonValueKind.Array)
            return Joined(names);
        if (value.TryGetProperty("name", out JsonElement name) && name.ValueKind is JsonValueKind.String or JsonValueKind.Null)
            return name.ValueKind == JsonValueKind.Null ? null : Named(name.GetString()!.Trim());
        return value.EnumerateObject().Any() ? throw NotUnderstood(value.GetRawText()) : null;
    }

    private static string? Joined(JsonElement names) => Named(string.Join(": ", names.EnumerateArray().Select(name =>
        name.ValueKind == JsonValueKind.String ? name.GetString()!.Trim() : throw NotUnderstood(names.GetRawText()))));

    private static string? OfText(string text)
    {
        if (text.Length == 0 || text[0] is not ('{' or '['))
            return Named(text);
        // Python's str() of a dictionary has single quotes and None.
        foreach (string json in (string[])[text, text.Replace('\'', '"').Replace("None", "null", StringComparison.Ordinal)])
        {
            try
            {
                using var parsed = JsonDocument.Parse(json);
                return OfValue(parsed.RootElement);
            }
            catch (JsonException)
            {
                // The other form, or the fault below.
            }
        }
        throw NotUnderstood(text);
    }

    /// <summary>Tables write the word for nothing where there is no class.</summary>
    private static string? Named(string name) => name is "" or "null" or "None" or "nan" or "NaN" ? null : name;

    private static FormatException NotUnderstood(string text) =>
        new($"the class '{(text.Length > 80 ? text[..80] + "…" : text)}' can't be understood; it should be a name or an object with a " +
        $"name");
}
