"""Puts the tables of a run into a document, between the marks <!-- lab:GROUP --> and <!-- end -->."""
import re


def update(path, groups):
    with open(path) as file:
        text = file.read()
    for group in groups:
        if not group.table or not group.results:
            continue
        table = group.table(group.results)
        marks = rf"(<!-- lab:{group.name} -->\n).*?(<!-- end -->)"
        text = re.sub(marks, lambda found: f"{found[1]}{table}\n{found[2]}", text, flags=re.DOTALL)
    with open(path, "w") as file:
        file.write(text)
