namespace SSLP.PtxMachine.Program;

/// <summary>
/// Immediate post-dominators: for each block the nearest one that every way to the end comes through. Cooper, Harvey and Kennedy, "A
/// simple, fast dominance algorithm", on the reversed graph with one end behind all returns.
/// </summary>
internal static class PostDominators
{
    public static void Find(BasicBlock[] blocks)
    {
        int end = blocks.Length;
        int[][] followers = [.. blocks.Select((block, at) => Followers(block, at, end))];
        int[] order = OrderFromEnd(followers, end);
        int[] place = new int[end + 1];
        for (int i = 0; i < order.Length; i++)
            place[order[i]] = i;
        int[] found = new int[end + 1];
        Array.Fill(found, -1);
        found[end] = end;
        for (bool changed = true; changed;)
        {
            changed = false;
            foreach (int block in order)
            {
                if (block == end)
                    continue;
                int meeting = -1;
                foreach (int follower in followers[block])
                {
                    if (found[follower] >= 0)
                        meeting = meeting < 0 ? follower : Meet(follower, meeting, found, place);
                }

                if (meeting != found[block])
                    (found[block], changed) = (meeting, true);
            }
        }

        for (int i = 0; i < end; i++)
            blocks[i].Reconvergence = found[i] < 0 ? end : found[i];  // a loop without a way out never meets again
    }

    private static int Meet(int a, int b, int[] found, int[] place)
    {
        while (a != b)
        {
            while (place[a] > place[b])
                a = found[a];
            while (place[b] > place[a])
                b = found[b];
        }

        return a;
    }

    private static int[] Followers(BasicBlock block, int at, int end) => block.Kind switch
    {
        BlockEnd.Return => block.Conditional ? [end, block.Next] : [end],
        BlockEnd.Branch => block.Conditional ? [block.Target, block.Next] : [block.Target],
        _ => [at + 1],
    };

    // Reverse post-order of the reversed graph: the end first.
    private static int[] OrderFromEnd(int[][] followers, int end)
    {
        var before = new List<int>[end + 1];
        for (int i = 0; i <= end; i++)
            before[i] = [];
        for (int i = 0; i < end; i++)
        {
            foreach (int follower in followers[i])
                before[follower].Add(i);
        }

        var order = new List<int>();
        bool[] seen = new bool[end + 1];
        var open = new Stack<(int Block, int Child)>([(end, 0)]);
        seen[end] = true;
        while (open.TryPop(out (int Block, int Child) at))
        {
            if (at.Child == before[at.Block].Count)
            {
                order.Add(at.Block);
                continue;
            }

            open.Push((at.Block, at.Child + 1));
            int child = before[at.Block][at.Child];
            if (!seen[child])
            {
                seen[child] = true;
                open.Push((child, 0));
            }
        }

        order.Reverse();
        return [.. order];
    }
}
