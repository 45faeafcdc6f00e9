namespace SSLP.Data.Tissue;

/// <summary>Set and unset pixels, with the few operations of mathematical morphology that a tissue mask needs.</summary>
internal sealed class BinaryImage(int width, int height)
{
    public int Width { get; } = width;

    public int Height { get; } = height;

    /// <summary>Row by row, Width × Height.</summary>
    public bool[] Pixels { get; } = new bool[width * height];

    public int Count => Pixels.Count(pixel => pixel);

    /// <summary>Sets every pixel within a square of side 2·radius + 1 around a set one.</summary>
    public BinaryImage Dilate(int radius) => ByWindow(radius, (set, _) => set > 0);

    /// <summary>Keeps pixels whose whole square is set; what lies outside of the image counts as set.</summary>
    public BinaryImage Erode(int radius) => ByWindow(radius, (set, area) => set == area);

    public BinaryImage Close(int radius) => Dilate(radius).Erode(radius);

    public BinaryImage Open(int radius) => Erode(radius).Dilate(radius);

    /// <summary>This image without the pixels set in the other.</summary>
    public BinaryImage Without(BinaryImage other)
    {
        var result = new BinaryImage(Width, Height);
        for (int i = 0; i < Pixels.Length; i++)
            result.Pixels[i] = Pixels[i] && !other.Pixels[i];
        return result;
    }

    /// <summary>The pixels set in this image or in the other.</summary>
    public BinaryImage With(BinaryImage other)
    {
        var result = new BinaryImage(Width, Height);
        for (int i = 0; i < Pixels.Length; i++)
            result.Pixels[i] = Pixels[i] || other.Pixels[i];
        return result;
    }

    /// <summary>An image of the values, row by row, for which something holds.</summary>
    public static BinaryImage Of(int width, byte[] values, Func<byte, bool> isSet)
    {
        var result = new BinaryImage(width, values.Length / width);
        for (int i = 0; i < values.Length; i++)
            result.Pixels[i] = isSet(values[i]);
        return result;
    }

    /// <summary>Sets unset regions of at most <paramref name="maxArea"/> pixels that do not touch the border.</summary>
    public void FillHoles(int maxArea) => FlipRegions(false, region => region.Area <= maxArea && !region.TouchesBorder);

    /// <summary>Unsets set regions of less than <paramref name="minArea"/> pixels.</summary>
    public void RemoveSmall(int minArea) => FlipRegions(true, region => region.Area < minArea);

    /// <summary>The set regions of this image that hold a set pixel of the other.</summary>
    public BinaryImage Holding(BinaryImage other)
    {
        var result = new BinaryImage(Width, Height);
        bool[] visited = new bool[Pixels.Length];
        var region = new List<int>();
        for (int start = 0; start < Pixels.Length; start++)
        {
            if (visited[start] || !Pixels[start])
                continue;
            CollectRegion(start, visited, region);
            if (region.Exists(i => other.Pixels[i]))
                foreach (int i in region)
                    result.Pixels[i] = true;
        }
        return result;
    }

    /// <summary>Set pixels above and to the left of every corner: (Width + 1) × (Height + 1) sums.</summary>
    public int[] Integral()
    {
        int stride = Width + 1;
        int[] sums = new int[stride * (Height + 1)];
        for (int y = 0; y < Height; y++)
        {
            int inRow = 0;
            for (int x = 0; x < Width; x++)
            {
                inRow += Pixels[(y * Width) + x] ? 1 : 0;
                sums[((y + 1) * stride) + x + 1] = sums[(y * stride) + x + 1] + inRow;
            }
        }
        return sums;
    }

    private BinaryImage ByWindow(int radius, Func<int, int, bool> keep)
    {
        int[] sums = Integral();
        int stride = Width + 1;
        var result = new BinaryImage(Width, Height);
        for (int y = 0; y < Height; y++)
        {
            int top = Math.Max(0, y - radius), bottom = Math.Min(Height, y + radius + 1);
            for (int x = 0; x < Width; x++)
            {
                int left = Math.Max(0, x - radius), right = Math.Min(Width, x + radius + 1);
                int set = sums[(bottom * stride) + right] - sums[(bottom * stride) + left]
                    - sums[(top * stride) + right] + sums[(top * stride) + left];
                result.Pixels[(y * Width) + x] = keep(set, (bottom - top) * (right - left));
            }
        }
        return result;
    }

    private void FlipRegions(bool value, Func<(int Area, bool TouchesBorder), bool> flip)
    {
        bool[] visited = new bool[Pixels.Length];
        var region = new List<int>();
        for (int start = 0; start < Pixels.Length; start++)
        {
            if (visited[start] || Pixels[start] != value)
                continue;
            bool touchesBorder = CollectRegion(start, visited, region);
            if (flip((region.Count, touchesBorder)))
                foreach (int i in region)
                    Pixels[i] = !value;
        }
    }

    /// <summary>Fills <paramref name="region"/> with the 4-connected pixels of the start's value; true if it touches the border.</summary>
    private bool CollectRegion(int start, bool[] visited, List<int> region)
    {
        bool value = Pixels[start], touchesBorder = false;
        region.Clear();
        region.Add(start);
        visited[start] = true;
        for (int next = 0; next < region.Count; next++)
        {
            (int y, int x) = Math.DivRem(region[next], Width);
            touchesBorder |= x == 0 || y == 0 || x == Width - 1 || y == Height - 1;
            Visit(x > 0, region[next] - 1);
            Visit(x < Width - 1, region[next] + 1);
            Visit(y > 0, region[next] - Width);
            Visit(y < Height - 1, region[next] + Width);
        }
        return touchesBorder;

        void Visit(bool inside, int i)
        {
            if (!inside || visited[i] || Pixels[i] != value)
                return;
            visited[i] = true;
            region.Add(i);
        }
    }
}
