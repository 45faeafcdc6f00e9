namespace SSLP.Kernels.Tests;

/// <summary>Matrices of the kernel tests, in aligned memory, from fixed seeds.</summary>
internal static unsafe class KernelTestData
{
    /// <summary>All instruction sets: those that the machine lacks run in software and must give the same answer.</summary>
    public static readonly InstructionSet[] Isas = Enum.GetValues<InstructionSet>();

    /// <summary>A [rows, width] matrix of unit Gaussian rows.</summary>
    public static Matrix UnitRows(int rows, int width, ulong seed)
    {
        Matrix matrix = Gaussian(rows, width, seed);
        for (int i = 0; i < rows; i++)
        {
            Span<float> row = matrix.View.Row(i);
            double squared = 0;
            foreach (float value in row)
                squared += (double)value * value;
            foreach (ref float value in row)
                value = (float)(value / Math.Sqrt(squared));
        }
        return matrix;
    }

    /// <summary>A [rows, width] matrix of standard normal values.</summary>
    public static Matrix Gaussian(int rows, int width, ulong seed)
    {
        var matrix = new Matrix(rows, width);
        ulong key = CounterRandom.Key(seed, RandomPurpose.Test);
        for (int i = 0; i < rows; i++)
        {
            for (int d = 0; d < width; d++)
            {
                RandomWords words = CounterRandom.Block(key, (ulong)i, (ulong)d);
                matrix.View.Row(i)[d] = CounterRandom.Gaussian(words.X, words.Y).First;
            }
        }
        return matrix;
    }

    /// <summary>A matrix that owns its memory.</summary>
    public sealed class Matrix(int rows, int width) : IDisposable
    {
        private readonly AlignedBuffer<float> _memory = new(Math.Max(1, (long)rows * width));

        public MatrixView View => new(_memory.Pointer, rows, width);

        public void Dispose() => _memory.Dispose();
    }
}
