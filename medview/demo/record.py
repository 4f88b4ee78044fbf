"""The invented patients' documents: an HL7 v2 message, two letters, a note; the bundle beside."""

# ruff: noqa: E501 - letters stand here as they are written
from __future__ import annotations

import json
from pathlib import Path

from medview.demo import people
from medview.demo.fhir import bundle
from medview.demo.people import ADA, BO, CREATININE, LABS, LabValue, Person


def write_record(folder: Path) -> None:
    """Every document of both patients, as files a hospital might hand over."""
    documents = {
        "MV-0001-record.fhir.json": json.dumps(bundle(), indent=1, ensure_ascii=False) + "\n",
        "MV-0001-labs.hl7": labs_message(),
        "MV-0001-discharge-letter.en.txt": discharge_letter(),
        "MV-0001-clinic-note.zh.txt": clinic_note(),
        "MV-0002-emergency-note.en.txt": child_note(),
    }
    for name, text in documents.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            file.write(text)


def _pid(person: Person) -> str:
    return (
        f"PID|1||{person.id}^^^MEDVIEWDEMO^MR||{person.family}^{person.given}||"
        f"{person.birth:%Y%m%d}|{person.sex}"
    )


def labs_message() -> str:
    """HL7 v2.5.1 ORU^R01: the laboratory results of the clinic day, segments ended by CR."""
    day = f"{people.CLINIC_DAY:%Y%m%d}"
    lines = [
        rf"MSH|^~\&|LAB|MEDVIEWDEMO|RIS|MEDVIEWDEMO|{day}1130||ORU^R01^ORU_R01|MVD0001|P|2.5.1||||||UNICODE UTF-8",
        _pid(ADA),
        "PV1|1|O|CLINIC",
        f"OBR|1|MVD-L-2601|LAB-77120|24323-8^Chemistry panel^LN|||{day}0815|||||||||||||||{day}1120||LAB|F",
    ]
    lines += [_obx(n, lab) for n, lab in enumerate(LABS, 1)]
    lines.append("NTE|1|L|Invented values of an invented patient.")
    return "\r".join(lines) + "\r"


def _obx(number: int, lab: LabValue) -> str:
    low = "" if lab.low is None else f"{lab.low:g}"
    high = "" if lab.high is None else f"{lab.high:g}"
    span = f"{low}-{high}" if low and high else (f">={low}" if low else f"<={high}")
    flag = ""
    if lab.high is not None and lab.value > lab.high:
        flag = "H"
    elif lab.low is not None and lab.value < lab.low:
        flag = "L"
    return (
        f"OBX|{number}|NM|{lab.loinc}^{lab.name}^LN||{lab.value:g}|{lab.unit}^^UCUM|{span}|{flag}|||F|||"
        f"{lab.day:%Y%m%d}0815"
    )


def discharge_letter() -> str:
    """The English letter."""
    creatinine = CREATININE[-1][1]
    return f"""DISCHARGE LETTER (invented, for demonstration)

Patient: {ADA.given} {ADA.family}
Patient ID: {ADA.id}
Date of birth: {ADA.birth:%Y-%m-%d}
Sex: female
Date: {people.LETTER_DAY:%Y-%m-%d}

DIAGNOSES
Exacerbation of COPD.
Emphysema.
Hypertension since 2012.
Paroxysmal atrial fibrillation since 2023.

HISTORY
A 67-year-old woman was admitted with cough and shortness of breath. No fever, no chest pain, no haemoptysis.
No history of diabetes, heart failure, stroke, myocardial infarction or peripheral arterial disease. No history of cancer.
Ex-smoker: 20 cigarettes per day for {people.SMOKED_YEARS} years ({people.PACK_YEARS} pack-years), quit in {people.QUIT_YEAR}.

FAMILY HISTORY
Sister: lung cancer at the age of 61. Father: myocardial infarction at 72.

ALLERGIES
Penicillin: rash.
Lisinopril caused a dry cough in 2019 and was stopped.

EXAMINATION
Blood pressure {people.SYSTOLIC}/{people.DIASTOLIC} mmHg. Heart rate 74 /min. Oxygen saturation 95 %. Temperature 36.7 C.
Height {people.HEIGHT_CM:g} cm, weight {people.WEIGHT_KG:g} kg, BMI 25.9 kg/m2. No ankle oedema.

RESULTS
Creatinine {creatinine:g} mg/dL. Total cholesterol 212 mg/dL, HDL cholesterol 54 mg/dL. HbA1c 5.6 %. Haemoglobin 13.4 g/dL. CRP 3.2 mg/L.

IMAGING
CT chest of {people.PRIOR_DAY:%Y-%m-%d}: single {people.NODULE_BEFORE_MM} mm solid nodule with spiculated margins in the right upper lobe. Centrilobular emphysema in both upper lobes. No pleural effusion. No enlarged mediastinal lymph nodes.

MEDICATION AT DISCHARGE
Amlodipine 5 mg orally once daily for hypertension.
Apixaban 5 mg orally twice daily for atrial fibrillation.
Tiotropium 18 ug inhaled once daily.
She takes no statin.

PLAN
CT of the chest on {people.CT_DAY:%Y-%m-%d} to follow the nodule. If haemoptysis or weight loss occurs, she should return at once.
"""


def clinic_note() -> str:
    """The Chinese note."""
    prior = people.PRIOR_DAY
    return f"""门诊病历（虚构病例，仅供演示）

姓名：{ADA.chinese}
患者编号：{ADA.id}
性别：女
出生日期：{ADA.birth:%Y-%m-%d}
年龄：67岁
就诊日期：{people.CLINIC_DAY:%Y-%m-%d}

主诉：咳嗽、活动后气促1周。
现病史：患者1周前受凉后出现咳嗽、咳少量白痰，活动后气促。无发热，无胸痛，无咯血。
既往史：高血压病史14年，口服氨氯地平5mg，每日1次。阵发性心房颤动3年，口服阿哌沙班5mg，每日2次。慢性阻塞性肺疾病病史8年。否认糖尿病、心力衰竭、脑卒中、冠心病病史。否认恶性肿瘤病史。
药物不良反应：2019年服用赖诺普利后出现干咳，已停药。青霉素过敏，表现为皮疹。
个人史：吸烟{people.SMOKED_YEARS}年，每日20支，已戒烟10年。不饮酒。
家族史：姐姐患肺癌。父亲72岁患心肌梗死。
体格检查：体温36.7℃，脉搏74次/分，血压{people.SYSTOLIC}/{people.DIASTOLIC}mmHg，血氧饱和度95%。身高{people.HEIGHT_CM:g}cm，体重{people.WEIGHT_KG:g}kg。双肺呼吸音低，未闻及湿性啰音。双下肢无水肿。
辅助检查：肌酐87μmol/L，总胆固醇5.48mmol/L，高密度脂蛋白胆固醇1.40mmol/L，糖化血红蛋白5.6%，血红蛋白134g/L。
{prior.year}年{prior.month}月{prior.day}日胸部CT：右肺上叶见单发实性结节，大小约{people.NODULE_BEFORE_MM}mm，边缘见毛刺；双肺上叶肺气肿。未见胸腔积液，未见纵隔淋巴结肿大。
初步诊断：1.慢性阻塞性肺疾病急性加重；2.肺气肿；3.高血压；4.阵发性心房颤动；5.右肺上叶结节，肺癌待排。
处理：建议住院治疗，复查胸部CT。
"""


def child_note() -> str:
    """The child's note."""
    return f"""EMERGENCY NOTE (invented, for demonstration)

Patient: {BO.given} {BO.family}
Patient ID: {BO.id}
Date of birth: {BO.birth:%Y-%m-%d}
Sex: male
Date: {people.CHILD_FILM.day:%Y-%m-%d}

A 4-year-old boy with cough and fever for 3 days. No vomiting. No history of asthma.
Temperature 38.6 C. Heart rate 128 /min. Respiratory rate 34 /min. Oxygen saturation 96 %. Weight 16.5 kg.
Crackles at the right base. Pneumonia cannot be excluded.
No known drug allergies. Mother: asthma.
Chest radiograph requested.
"""
