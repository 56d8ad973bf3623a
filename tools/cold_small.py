"""Small functions of a module that only functions on flash use (cold.py): the code of each that needs one carries it
along. A place of its own on flash would cost more than it saves, and in memory it would stay for nothing."""

import ast


def names(node):
    """The names in `node`."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def small_ones(tree, imported, marked, unmark):
    """{name: node} of the small functions of a module, whose mark has no number, that nothing but marked functions
    uses. Others, such as those in `imported`, lose their mark: they stay."""
    found = {node.name: node for node in tree.body if marked(node) and marked(node).args[0].value is None}
    inside = set()
    for node in tree.body:
        for each in node.body if isinstance(node, ast.ClassDef) else [node]:
            if marked(each):
                inside.update(id(one) for one in ast.walk(each))
    stay = set(found) & imported
    stay.update(node.id for node in ast.walk(tree)
                if isinstance(node, ast.Name) and node.id in found and id(node) not in inside)
    while stay:
        node = found.pop(stay.pop())
        unmark(node)
        stay.update(names(node) & set(found))
    return found


def needed(used, small):
    """The names of those of `small` that what uses the names `used` needs."""
    found, new = set(), set(used) & set(small)
    while new:
        found.add(new.pop())
        new = {each for name in found for each in names(small[name]) if each in small} | used & set(small)
        new -= found
    return sorted(found)
