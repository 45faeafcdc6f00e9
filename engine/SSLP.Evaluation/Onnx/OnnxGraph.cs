using System.Runtime.InteropServices;
using Google.Protobuf;

namespace SSLP.Evaluation.Onnx;

/// <summary>
/// Builds an ONNX model message by message. The schema has a few dozen fields that never change; writing their numbers here needs no
/// generated classes and no reflection. Source: onnx.proto of the ONNX project, IR version 8.
/// </summary>
internal sealed class OnnxGraph
{
    private const int IrVersion = 8, Opset = 17, FloatType = 1, UInt8Type = 2, Int64Type = 7;

    private readonly List<byte[]> _nodes = [];
    private readonly List<byte[]> _initializers = [];

    /// <summary>Adds an operator with one output and returns that output's name.</summary>
    /// <param name="op">Operator.</param>
    /// <param name="name">Of the node and of its output.</param>
    /// <param name="inputs">Names of constants and of other nodes.</param>
    /// <param name="attributes">long or long[] values.</param>
    public string Node(string op, string name, IReadOnlyList<string> inputs, params IReadOnlyList<(string Name, object Value)> attributes)
    {
        _nodes.Add(Message(m =>
        {
            foreach (string input in inputs)
                String(m, 1, input);
            String(m, 2, name);
            String(m, 3, name);
            String(m, 4, op);
            foreach ((string key, object value) in attributes)
                Bytes(m, 5, Attribute(key, value));
        }));
        return name;
    }

    /// <summary>Adds constant numbers and returns their name.</summary>
    public string Constant(string name, float[] values, params IReadOnlyList<long> shape) =>
        Constant(name, FloatType, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    /// <inheritdoc cref="Constant(string, float[], IReadOnlyList{long})"/>
    public string Constant(string name, long[] values, params IReadOnlyList<long> shape) =>
        Constant(name, Int64Type, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    /// <summary>The whole model: one uint8 input, one float32 output.</summary>
    /// <param name="output">Written to; not closed.</param>
    /// <param name="input">Name and shape of the input; a string is a free dimension.</param>
    /// <param name="result">Name and shape of the output.</param>
    /// <param name="metadata">Text pairs of the model.</param>
    public void Write(Stream output, (string Name, object[] Shape) input, (string Name, object[] Shape) result,
        IEnumerable<KeyValuePair<string, string>> metadata)
    {
        byte[] graph = Message(m =>
        {
            _nodes.ForEach(node => Bytes(m, 1, node));
            String(m, 2, "encoder");
            _initializers.ForEach(initializer => Bytes(m, 5, initializer));
            Bytes(m, 11, ValueInfo(input.Name, UInt8Type, input.Shape));
            Bytes(m, 12, ValueInfo(result.Name, FloatType, result.Shape));
        });
        using CodedOutputStream model = new(output, leaveOpen: true);
        Int64(model, 1, IrVersion);
        String(model, 2, "SSLP.Engine");
        Bytes(model, 7, graph);
        Bytes(model, 8, Message(m => Int64(m, 2, Opset)));
        foreach ((string key, string value) in metadata)
            Bytes(model, 14, Message(m =>
            {
                String(m, 1, key);
                String(m, 2, value);
            }));
    }

    private string Constant(string name, int type, ReadOnlySpan<byte> raw, IReadOnlyList<long> shape)
    {
        byte[] data = raw.ToArray();
        _initializers.Add(Message(m =>
        {
            foreach (long extent in shape)
                Int64(m, 1, extent);
            Int64(m, 2, type);
            String(m, 8, name);
            Bytes(m, 9, data);
        }));
        return name;
    }

    private static byte[] Attribute(string name, object value) => Message(m =>
    {
        String(m, 1, name);
        switch (value)
        {
            case long whole:
                Int64(m, 3, whole);
                Int64(m, 20, 2);
                break;
            case long[] many:
                foreach (long whole in many)
                    Int64(m, 8, whole);
                Int64(m, 20, 7);
                break;
            default:
                throw new ArgumentException($"An attribute is a long or longs, not {value}.", nameof(value));
        }
    });

    private static byte[] ValueInfo(string name, int type, object[] shape)
    {
        byte[] dimensions = Message(m =>
        {
            foreach (object extent in shape)
                Bytes(m, 1, Message(d =>
                {
                    if (extent is string free)
                        String(d, 2, free);
                    else
                        Int64(d, 1, Convert.ToInt64(extent));
                }));
        });
        byte[] tensor = Message(m =>
        {
            Int64(m, 1, type);
            Bytes(m, 2, dimensions);
        });
        return Message(m =>
        {
            String(m, 1, name);
            Bytes(m, 2, Message(t => Bytes(t, 1, tensor)));
        });
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        using MemoryStream memory = new();
        using (CodedOutputStream stream = new(memory, leaveOpen: true))
            write(stream);
        return memory.ToArray();
    }

    private static void Int64(CodedOutputStream m, int field, long value)
    {
        m.WriteTag(field, WireFormat.WireType.Varint);
        m.WriteInt64(value);
    }

    private static void String(CodedOutputStream m, int field, string text)
    {
        m.WriteTag(field, WireFormat.WireType.LengthDelimited);
        m.WriteString(text);
    }

    private static void Bytes(CodedOutputStream m, int field, byte[] bytes)
    {
        m.WriteTag(field, WireFormat.WireType.LengthDelimited);
        m.WriteBytes(UnsafeByteOperations.UnsafeWrap(bytes));
    }
}
