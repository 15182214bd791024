-- For bench/heap/programs: tables, strings, closures, under Lua's collector.
local state = 1
local function drawn(limit)
    state = (state * 1103515245 + 12345) % 2147483648
    return (state // 65536) % limit
end

local function tree(depth)
    if depth == 0 then return { value = drawn(100) } end
    return { left = tree(depth - 1), right = tree(depth - 1), value = depth }
end

local function sum(node)
    if not node then return 0 end
    return node.value + sum(node.left) + sum(node.right)
end

local total, index, recent = 0, {}, {}
for round = 1, 25 do
    total = total + sum(tree(13))
    for i = 1, 12000 do
        local key = "key" .. drawn(9000)
        local list = index[key] or {}
        index[key] = list
        list[#list + 1] = string.rep("v", drawn(60)) .. i
        if #list > 12 then index[key] = nil end
        recent[i % 3000 + 1] = function() return #list + i end
    end
    total = total + #table.concat(index["key1"] or {}, ",") + recent[1]()
end
print(total)
