namespace SSLP.Kernels;

/// <summary>Where the default of an option is from.</summary>
public enum OptionSource
{
    /// <summary>Chosen here.</summary>
    Ours,

    /// <summary>Stated by the authors; [S] in lists.</summary>
    Stated,

    /// <summary>Behaviour of the authors' public program; [B] in lists.</summary>
    Behaviour,
}

/// <summary>
/// What an option of a run is, said once, on the property that holds it. Its key is the property's name in snake_case, its default the
/// property's;
/// lists, checks of limits, files and the comparison of two runs are made from this.
/// </summary>
/// <param name="meaning">What it means, without its default, its limits and the names that it may have.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OptionAttribute(string meaning) : Attribute
{
    public string Meaning { get; } = meaning;

    /// <summary>Where the property's name is not the key.</summary>
    public string? Key { get; set; }

    /// <summary>Of a number; empty where it is a count of what the meaning says.</summary>
    public string Unit { get; set; } = string.Empty;

    /// <summary>Least value of a number, taken itself.</summary>
    public double Least { get; set; }

    /// <summary>Largest value of a number, taken itself.</summary>
    public double Most { get; set; } = int.MaxValue;

    public OptionSource Source { get; set; }

    /// <summary>A resumed run may differ in it: it does not change what is learned.</summary>
    public bool FreeOnResume { get; set; }

    /// <summary>Names of an enumeration's values in their order, where they are not the values' own in lower case.</summary>
    public string[]? Names { get; set; }

    /// <summary>The name 'auto' stands for the default: of a property that may be null, for null.</summary>
    public bool TakesAuto { get; set; }
}
