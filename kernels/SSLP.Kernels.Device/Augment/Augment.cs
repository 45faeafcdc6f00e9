using ILGPU;

namespace SSLP.Kernels.Device;

/// <summary>
/// Augmentation of bytes to normalised planes by plans that the host has drawn: the same plans as on the CPU, hence the same views but for
/// rounding (a few 1e-6 before the division by the deviation).
/// </summary>
public static class Augment
{
    // GrayLast and GrayFirst are the plan's: SSLP.Kernels' AugmentPlan.
    private const int ContrastStep = 1, MaxReach = 24, GrayLast = 1, GrayFirst = 2;

    /// <summary>
    /// patches [B, P, P, 3] → output [B, 3, S, S]: crop, antialiased resize, stain, jitter, grayscale (before the jitter or after it),
    /// flips, normalise. A view whose contrast is jittered is walked twice by its group, since the mean gray is known only after the first
    /// walk.
    /// </summary>
    public static void AugmentPatches(
        ArrayView<byte> patches, ArrayView<AugmentPlan> plans, ArrayView<float> output, int patchSize, int side,
        float meanR, float meanG, float meanB, float inverseR, float inverseG, float inverseB)
    {
        // One group owns one view; a thread owns every DimX-th pixel of the output.
        ArrayView<float> partial = SharedMemory.Allocate<float>(DeviceMath.GroupSize);
        AugmentPlan plan = plans[Grid.IdxX];
        long patch = 3L * patchSize * patchSize * Grid.IdxX, view = 3L * side * side * Grid.IdxX;
        int pixels = side * side, contrast = 0;
        while (Step(plan, contrast) != ContrastStep)
            contrast++;
        float gray = 0f;
        for (int pixel = Group.IdxX; pixel < pixels; pixel += Group.DimX)
        {
            Colour colour = Resize(patches, patch, patchSize, plan, pixel % side, pixel / side);
            if (plan.JitterStain != 0)
                colour = colour.Stain(plan);
            if (plan.Grayscale == GrayFirst)
                colour = colour.ToGray();
            for (int place = 0; place < contrast; place++)
                colour = colour.Step(Step(plan, place), plan);
            gray += colour.Gray;
            Write(output, view, pixels, Target(plan, pixel, side), colour);
        }

        float mean = GroupReduce.Sum(gray, partial) / pixels;
        for (int pixel = Group.IdxX; pixel < pixels; pixel += Group.DimX)
        {
            // The thread's own pixels: no barrier is needed between the walks.
            int target = Target(plan, pixel, side);
            var colour = new Colour(output[view + target], output[view + pixels + target], output[view + 2 * pixels + target]);
            if (plan.Contrast != 1f)
                colour = colour.Blend(plan.Contrast, mean);
            for (int place = contrast + 1; place < 4; place++)
                colour = colour.Step(Step(plan, place), plan);
            if (plan.Grayscale == GrayLast)
                colour = colour.ToGray();
            var normal = new Colour((colour.R - meanR) * inverseR, (colour.G - meanG) * inverseG, (colour.B - meanB) * inverseB);
            Write(output, view, pixels, target, normal);
        }
    }

    /// <summary>scratch ← output blurred along rows, where the plan blurs. Grid: 3·B planes.</summary>
    public static void BlurAcross(ArrayView<AugmentPlan> plans, ArrayView<float> planes, ArrayView<float> scratch, int side) =>
        Blur(plans, planes, scratch, side, across: true);

    /// <summary>output ← scratch blurred along columns, where the plan blurs. Grid: 3·B planes.</summary>
    public static void BlurDown(ArrayView<AugmentPlan> plans, ArrayView<float> scratch, ArrayView<float> planes, int side) =>
        Blur(plans, scratch, planes, side, across: false);

    private static void Blur(ArrayView<AugmentPlan> plans, ArrayView<float> from, ArrayView<float> to, int side, bool across)
    {
        // One group owns one plane; a thread owns every DimX-th pixel.
        ArrayView<float> weights = SharedMemory.Allocate<float>(MaxReach + 1);
        float sigma = plans[Grid.IdxX / 3].BlurSigma;
        if (sigma == 0f)
            return;
        int reach = IntrinsicMath.Min((int)Math.Ceiling(3.0 * sigma), MaxReach);
        for (int t = Group.IdxX; t <= reach; t += Group.DimX)
            weights[t] = DeviceMath.Exp(-0.5f * t * t / (sigma * sigma));
        Group.Barrier();
        float total = weights[0];
        for (int t = 1; t <= reach; t++)
            total += 2f * weights[t];

        long plane = (long)side * side * Grid.IdxX;
        for (int pixel = Group.IdxX; pixel < side * side; pixel += Group.DimX)
        {
            int x = pixel % side, y = pixel / side, centre = across ? x : y, step = across ? 1 : side;
            long line = plane + (across ? y * side : x);
            float sum = weights[0] * from[line + centre * step];
            for (int t = 1; t <= reach; t++)
                sum += weights[t] * (from[line + Mirror(centre - t, side) * step] + from[line + Mirror(centre + t, side) * step]);
            to[plane + pixel] = sum / total;
        }
    }

    private static int Step(AugmentPlan plan, int place) => plan.Order >> (2 * place) & 3;

    private static int Target(AugmentPlan plan, int pixel, int side)
    {
        int x = pixel % side, y = pixel / side;
        return (plan.FlipY != 0 ? side - 1 - y : y) * side + (plan.FlipX != 0 ? side - 1 - x : x);
    }

    private static void Write(ArrayView<float> output, long view, int pixels, int pixel, Colour colour)
    {
        output[view + pixel] = colour.R;
        output[view + pixels + pixel] = colour.G;
        output[view + 2 * pixels + pixel] = colour.B;
    }

    // Antialiased bilinear, torchvision's antialias=True: a triangle as wide as the larger of a source and an output pixel, cut at the
    // crop.
    private static Colour Resize(ArrayView<byte> patches, long patch, int patchSize, AugmentPlan plan, int x, int y)
    {
        var across = new Triangle(plan.Width, plan.ResizedSide, plan.WindowOffset + x);
        var down = new Triangle(plan.Height, plan.ResizedSide, plan.WindowOffset + y);
        float r = 0f, g = 0f, b = 0f, total = 0f;
        for (int j = down.First; j < down.End; j++)
        {
            float weightDown = down.Weight(j);
            long line = patch + 3L * ((plan.Top + j) * patchSize + plan.Left);
            for (int i = across.First; i < across.End; i++)
            {
                float weight = weightDown * across.Weight(i);
                r += weight * patches[line + 3 * i];
                g += weight * patches[line + 3 * i + 1];
                b += weight * patches[line + 3 * i + 2];
                total += weight;
            }
        }

        float scale = 1f / (255f * total);
        return new Colour(r * scale, g * scale, b * scale);
    }

    private static int Mirror(int i, int side)
    {
        if (side == 1)
            return 0;
        int period = 2 * (side - 1);
        i = IntrinsicMath.Abs(i) % period;
        return i < side ? i : period - i;
    }

    /// <summary>The taps of one output position along one axis.</summary>
    private readonly struct Triangle
    {
        public readonly int First, End;
        private readonly double _centre, _inverseSupport;

        public Triangle(int sourceSize, int resizedSize, int place)
        {
            double scale = (double)sourceSize / resizedSize, support = scale > 1.0 ? scale : 1.0;
            _centre = scale * (place + 0.5);
            _inverseSupport = 1.0 / support;
            First = IntrinsicMath.Max((int)(_centre - support + 0.5), 0);
            End = IntrinsicMath.Min((int)(_centre + support + 0.5), sourceSize);
        }

        public float Weight(int source)
        {
            double distance = (source + 0.5 - _centre) * _inverseSupport;
            return (float)(1.0 - (distance < 0.0 ? -distance : distance));
        }
    }
}
