using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace SSLP.Cli.Tests.Solution;

/// <summary>What an assembly shows to others, as one sorted text: a line a type, a line a member below it.</summary>
internal static class PublicApi
{
    private static readonly SymbolDisplayFormat TypeName = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypesAndNamespaces,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints);

    private static readonly SymbolDisplayFormat Member = new(
        typeQualificationStyle: SymbolDisplayTypeQualificationStyle.NameAndContainingTypes,
        genericsOptions: SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints,
        memberOptions: SymbolDisplayMemberOptions.IncludeModifiers | SymbolDisplayMemberOptions.IncludeAccessibility
            | SymbolDisplayMemberOptions.IncludeType | SymbolDisplayMemberOptions.IncludeParameters
            | SymbolDisplayMemberOptions.IncludeRef | SymbolDisplayMemberOptions.IncludeConstantValue,
        parameterOptions: SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName
            | SymbolDisplayParameterOptions.IncludeModifiers | SymbolDisplayParameterOptions.IncludeDefaultValue
            | SymbolDisplayParameterOptions.IncludeExtensionThis,
        propertyStyle: SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        miscellaneousOptions: SymbolDisplayMiscellaneousOptions.UseSpecialTypes
            | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    /// <summary>The text of an assembly that lies beside the tests.</summary>
    public static string Of(string assembly)
    {
        var text = new StringBuilder();
        foreach (INamedTypeSymbol type in Types(assembly).OrderBy(type => type.ToDisplayString(TypeName), StringComparer.Ordinal))
        {
            text.Append(Head(type)).Append('\n');
            foreach (string member in Members(type).Order(StringComparer.Ordinal))
                text.Append("    ").Append(member).Append('\n');
        }

        return text.ToString();
    }

    private static List<INamedTypeSymbol> Types(string assembly)
    {
        string[] platform = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        MetadataReference[] references = [.. platform.Where(SourceUses.IsManaged).Select(path => MetadataReference.CreateFromFile(path))];
        var compilation = CSharpCompilation.Create("reader", references: references);
        IAssemblySymbol symbol = compilation.SourceModule.ReferencedAssemblySymbols.Single(s => s.Name == assembly);
        List<INamedTypeSymbol> types = [];
        Collect(symbol.GlobalNamespace, types);
        return types;
    }

    private static void Collect(INamespaceOrTypeSymbol owner, List<INamedTypeSymbol> types)
    {
        foreach (INamespaceOrTypeSymbol member in owner.GetMembers().OfType<INamespaceOrTypeSymbol>())
        {
            if (member is INamedTypeSymbol type)
            {
                if (!IsSeen(type))
                    continue;
                types.Add(type);
            }

            Collect(member, types);
        }
    }

    private static string Head(INamedTypeSymbol type)
    {
        string kind = type.TypeKind switch
        {
            TypeKind.Enum => "enum",
            TypeKind.Interface => "interface",
            TypeKind.Delegate => "delegate",
            TypeKind.Struct => (type.IsReadOnly ? "readonly " : "") + (type.IsRefLikeType ? "ref " : "") + "struct",
            _ => (type.IsStatic ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") + "class",
        };
        IEnumerable<INamedTypeSymbol> bases = type is { TypeKind: TypeKind.Class, BaseType.SpecialType: SpecialType.None }
            ? [type.BaseType, .. type.Interfaces] : type.Interfaces;
        string[] above = [.. bases.Where(b => b.TypeKind == TypeKind.Class || IsSeen(b)).Select(b => b.ToDisplayString(Member))
            .Order(StringComparer.Ordinal)];
        return $"{kind} {type.ToDisplayString(TypeName)}{(above.Length == 0 ? "" : " : " + string.Join(", ", above))}";
    }

    private static IEnumerable<string> Members(INamedTypeSymbol type) =>
        type.TypeKind == TypeKind.Delegate ? [type.DelegateInvokeMethod!.ToDisplayString(Member)]
        : from member in type.GetMembers()
          where IsSeen(member) && member is not INamedTypeSymbol && !IsOfAnother(member) && !IsMadeByCompiler(member)
          select member.ToDisplayString(Member);

    private static bool IsSeen(ISymbol symbol) => symbol.DeclaredAccessibility
        is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal;

    /// <summary>Accessors are told with their property, an override with what it overrides.</summary>
    private static bool IsOfAnother(ISymbol member) => member.IsOverride || member is IMethodSymbol { AssociatedSymbol: not null };

    /// <summary>What a record brings by itself, and the constructor that every struct and enum has.</summary>
    private static bool IsMadeByCompiler(ISymbol member) =>
        member.GetAttributes().Any(attribute => attribute.AttributeClass?.Name == "CompilerGeneratedAttribute")
        || member is IMethodSymbol { MethodKind: MethodKind.Constructor, Parameters.Length: 0, ContainingType.IsValueType: true }
        || (member is IFieldSymbol && member.Name == "value__");
}
