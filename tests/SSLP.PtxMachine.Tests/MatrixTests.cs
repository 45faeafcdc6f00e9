using Xunit;

namespace SSLP.PtxMachine.Tests;

/// <summary>The tensor cores' instructions against plain sums over matrices that are laid out as the ISA's tables say.</summary>
public sealed class MatrixTests
{
    [Fact]
    public void A_product_is_the_sum_over_all_sixteen_columns()
    {
        var random = new Random(4);
        float[,] a = new float[16, 16], b = new float[16, 8], c = new float[16, 8];
        Fill(a, random);
        Fill(b, random);
        for (int i = 0; i < 128; i++)
            c[i / 8, i % 8] = (float)random.NextDouble();
        uint[] registers = new uint[32 * 10];
        for (int lane = 0; lane < 32; lane++)
        {
            // Row groupID, columns from twice the thread's number in the group; a1 eight rows further, a2 eight columns, a3 both.
            int group = lane / 4, pair = lane % 4 * 2;
            registers[lane * 10] = Pack(a[group, pair], a[group, pair + 1]);
            registers[lane * 10 + 1] = Pack(a[group + 8, pair], a[group + 8, pair + 1]);
            registers[lane * 10 + 2] = Pack(a[group, pair + 8], a[group, pair + 9]);
            registers[lane * 10 + 3] = Pack(a[group + 8, pair + 8], a[group + 8, pair + 9]);
            registers[lane * 10 + 4] = Pack(b[pair, group], b[pair + 1, group]);
            registers[lane * 10 + 5] = Pack(b[pair + 8, group], b[pair + 9, group]);
            registers[lane * 10 + 6] = BitConverter.SingleToUInt32Bits(c[group, pair]);
            registers[lane * 10 + 7] = BitConverter.SingleToUInt32Bits(c[group, pair + 1]);
            registers[lane * 10 + 8] = BitConverter.SingleToUInt32Bits(c[group + 8, pair]);
            registers[lane * 10 + 9] = BitConverter.SingleToUInt32Bits(c[group + 8, pair + 1]);
        }

        using var run = new TestRun();
        ulong from = run.Upload<uint>(registers), to = run.Allocate<float>(128);
        string loads = string.Join('\n', Enumerable.Range(0, 6).Select(r => $"ld.global.b32 %r{r + 2}, [%rd3+{4 * r}];")
            .Concat(Enumerable.Range(0, 4).Select(r => $"ld.global.f32 %f{r}, [%rd3+{24 + 4 * r}];")));
        run.Launch(TestRun.Text($$"""
            ld.param.b64 %rd1, [p0];
            ld.param.b64 %rd2, [p1];
            mov.u32 %r1, %tid.x;
            mul.wide.u32 %rd3, %r1, 40;
            add.s64 %rd3, %rd1, %rd3;
            {{loads}}
            mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
                {%f4, %f5, %f6, %f7}, {%r2, %r3, %r4, %r5}, {%r6, %r7}, {%f0, %f1, %f2, %f3};
            mul.wide.u32 %rd4, %r1, 16;
            add.s64 %rd4, %rd2, %rd4;
            st.global.v4.f32 [%rd4], {%f4, %f5, %f6, %f7};
            """, 2), 1, 32, from, to);
        float[] found = run.Read<float>(to, 128);
        for (int lane = 0; lane < 32; lane++)
        {
            for (int r = 0; r < 4; r++)
            {
                int row = lane / 4 + 8 * (r / 2), column = lane % 4 * 2 + r % 2;
                double sum = c[row, column];
                for (int k = 0; k < 16; k++)
                    sum += (double)a[row, k] * b[k, column];
                Assert.Equal((float)sum, found[lane * 4 + r]);
            }
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(4, false)]
    [InlineData(4, true)]
    public void Matrices_are_loaded_by_rows_or_by_columns(int count, bool transposed)
    {
        // 32 rows of 8 halves; lane l gives the address of row l, element e of row r is 100·r + e.
        ushort[] halves = [.. Enumerable.Range(0, 256).Select(at => (ushort)(100 * (at / 8) + at % 8))];
        using var run = new TestRun();
        ulong from = run.Upload<ushort>(halves), to = run.Allocate<uint>(32 * count);
        string registers = string.Join(", ", Enumerable.Range(4, count).Select(r => $"%r{r}"));
        string stores = string.Join('\n', Enumerable.Range(0, count).Select(m => $"st.global.b32 [%rd4+{128 * m}], %r{4 + m};"));
        run.Launch(TestRun.Text($$"""
            ld.param.b64 %rd1, [p0];
            ld.param.b64 %rd2, [p1];
            mov.u32 %r1, %tid.x;
            mul.wide.u32 %rd3, %r1, 16;
            add.s64 %rd3, %rd1, %rd3;
            mov.u32 %r2, s;
            shl.b32 %r3, %r1, 4;
            add.u32 %r2, %r2, %r3;
            cp.async.cg.shared.global [%r2], [%rd3], 16;
            cp.async.wait_all;
            bar.sync 0;
            ldmatrix.sync.aligned.m8n8.x{{count}}{{(transposed ? ".trans" : "")}}.shared.b16 { {{registers}} }, [%r2];
            mul.wide.u32 %rd4, %r1, 4;
            add.s64 %rd4, %rd2, %rd4;
            {{stores}}
            """, 2, ".shared .align 16 .b8 s[512];"), 1, 32, from, to);
        uint[] found = run.Read<uint>(to, 32 * count);
        for (int m = 0; m < count; m++)
        {
            for (int lane = 0; lane < 32; lane++)
            {
                (int row, int column) = (lane / 4, lane % 4 * 2);
                int low = transposed ? 100 * (8 * m + column) + row : 100 * (8 * m + row) + column;
                int high = transposed ? low + 100 : low + 1;
                Assert.Equal((uint)(low | high << 16), found[32 * m + lane]);
            }
        }
    }

    // Multiples of 1/8 below 8: seven bits, exact in bf16, and products that a float sums without rounding.
    private static void Fill(float[,] matrix, Random random)
    {
        for (int r = 0; r < matrix.GetLength(0); r++)
        {
            for (int k = 0; k < matrix.GetLength(1); k++)
                matrix[r, k] = random.Next(-63, 64) / 8f;
        }
    }

    private static uint Pack(float low, float high) =>
        BitConverter.SingleToUInt32Bits(low) >> 16 | BitConverter.SingleToUInt32Bits(high) & 0xffff0000;
}
