using System.Globalization;
using System.Reflection;
using SSLP.Engine.Torch;
using SSLP.Kernels;

namespace SSLP.Engine.Options;

/// <summary>A value of one type as text and back.</summary>
/// <param name="Takes">What it may be, as words.</param>
/// <param name="Write">The value as text.</param>
/// <param name="Read">The value of a text; throws <see cref="FormatException"/> with <paramref name="Takes"/>.</param>
/// <param name="IsNumber">It has limits.</param>
internal sealed record OptionText(string Takes, Func<object?, string> Write, Func<string, object?> Read, bool IsNumber = false)
{
    private const string Auto = "auto";

    public static OptionText Of(PropertyInfo property, OptionAttribute said)
    {
        Type? nullable = Nullable.GetUnderlyingType(property.PropertyType);
        Type type = nullable ?? property.PropertyType;
        OptionText text = type == typeof(int) ? Whole(said)
            : type == typeof(double) ? Real(said, value => (double)value, value => value)
            : type == typeof(float) ? Real(said, value => (double)(decimal)(float)value, value => (float)value) // 0.4f as 0.4
            : type == typeof(long) ? Seed()
            : type == typeof(bool) ? Truth()
            : type == typeof(string) ? new("any text", value => (string)value!, value => value)
            : type == typeof(AugmentOptions) ? Lists()
            : type == typeof(DeviceChoice) ? Device()
            : type.IsEnum ? Choice(type, said)
            : throw new NotSupportedException($"No text is known for a {type.Name}, the type of {property.Name}.");
        return said.TakesAuto ? WithAuto(text, nullable is null ? property.GetValue(new TrainingOptions()) : null) : text;
    }

    private static OptionText Whole(OptionAttribute said)
    {
        string takes = string.Create(CultureInfo.InvariantCulture, $"a whole number from {said.Least} to {said.Most}");
        return new(takes, value => ((int)value!).ToString(CultureInfo.InvariantCulture),
            text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int n) && n >= said.Least
                && n <= said.Most
                ? n : throw new FormatException(takes), IsNumber: true);
    }

    private static OptionText Real(OptionAttribute said, Func<object, double> toDouble, Func<double, object> from)
    {
        string takes = string.Create(CultureInfo.InvariantCulture, $"a number from {said.Least} to {said.Most}");
        return new(takes, value => toDouble(value!).ToString("R", CultureInfo.InvariantCulture),
            text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double n) && n >= said.Least
                && n <= said.Most
                ? from(n) : throw new FormatException(takes), IsNumber: true);
    }

    private static OptionText Seed() => new(
        "a whole number", value => ((long)value!).ToString(CultureInfo.InvariantCulture),
        text => long.TryParse(text, CultureInfo.InvariantCulture, out long n) ? n : throw new FormatException("a whole number"));

    private static OptionText Truth() => new(
        "true or false", value => value is true ? "true" : "false",
        text => text is "true" or "false" ? text == "true" : throw new FormatException("true or false"));

    private static OptionText Choice(Type type, OptionAttribute said)
    {
        string[] values = Enum.GetNames(type), names = said.Names ?? [.. values.Select(name => name.ToLowerInvariant())];
        string takes = string.Join(" | ", names);
        return new(takes, value => names[Array.IndexOf(values, value!.ToString())],
            text => Array.IndexOf(names, text) is >= 0 and int at ? Enum.Parse(type, values[at]) : throw new FormatException(takes));
    }

    private static OptionText Device() => new(
        DeviceChoice.Takes, value => value!.ToString()!,
        text => DeviceChoice.TryParse(text, out DeviceChoice? choice) ? choice : throw new FormatException(DeviceChoice.Takes));

    /// <summary>A list of the augmentation by its name; single values that differ make it "custom", which stands in a run.json before
    /// them.</summary>
    private static OptionText Lists()
    {
        string takes = string.Join(" | ", AugmentOptions.Lists.Select(list => list.Name));
        return new(takes,
            value => AugmentOptions.Lists.FirstOrDefault(
                list => list.Options with { InputSize = ((AugmentOptions)value!).InputSize } == (AugmentOptions)value!).Name ?? "custom",
            text => text == "custom" ? null
                : AugmentOptions.Lists.FirstOrDefault(list => list.Name == text).Options ?? throw new FormatException(takes));
    }

    private static OptionText WithAuto(OptionText of, object? standsFor)
    {
        string takes = of.IsNumber ? $"{Auto}, or {of.Takes}" : $"{Auto} | {of.Takes}";
        return new(
            takes, value => value is null ? Auto : of.Write(value), text => text == Auto ? standsFor : of.ReadOr(takes, text), of.IsNumber);
    }

    private object? ReadOr(string takes, string text)
    {
        try
        {
            return Read(text);
        }
        catch (FormatException)
        {
            throw new FormatException(takes);
        }
    }
}
